"""Labels by a teacher for faces that nobody could measure."""
