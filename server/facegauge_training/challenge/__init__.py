"""The recipes of the challenge's fourteen systems, on anyone's pictures and scores."""
