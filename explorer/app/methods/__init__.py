"""The server's side of the page "Methods": what is known of the models' accuracy, and where each number comes from."""
