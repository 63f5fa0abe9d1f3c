"""The call of `facegauge demo`, and its server."""
