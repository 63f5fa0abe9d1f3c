"""Where crops wait for the engine."""
