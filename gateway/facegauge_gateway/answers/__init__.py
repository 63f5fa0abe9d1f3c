"""Answers of the server on their way to whoever wants them."""
