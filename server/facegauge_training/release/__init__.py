"""Make the files that the server ships of a trained student."""
