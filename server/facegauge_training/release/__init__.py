"""From a trained student to the files that the server ships."""
