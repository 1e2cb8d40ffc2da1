"""The server's side of the page "Failures": listing, counting and filtering surveys, drawing and annotating cases."""
