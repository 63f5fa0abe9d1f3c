"""Faults of a stream, found by rules in what its frames show and when they come."""
