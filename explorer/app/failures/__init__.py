"""The server's side of the page "Failures": surveys listed, counted, filtered, their cases drawn and annotated."""
