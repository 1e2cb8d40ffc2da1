"""Everything that runs in a browser, and the JSON that it paints."""
