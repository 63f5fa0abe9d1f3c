"""How well a student agrees with the labels, and with what baselines it competes."""
