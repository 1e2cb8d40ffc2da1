"""What an image is, what a user may name, folders, named data sets, downloads."""
