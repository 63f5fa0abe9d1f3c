"""Where students and teachers are trained on labelled crops."""
