"""The call that `facegauge demo` makes, and the server that it starts."""
