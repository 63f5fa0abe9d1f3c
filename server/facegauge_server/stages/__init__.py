"""What a frame goes through, a module a stage."""
