"""Where labels are made: photos and clips in, degraded crops with their labels out."""
