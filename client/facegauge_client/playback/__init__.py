"""Video files as streams."""
