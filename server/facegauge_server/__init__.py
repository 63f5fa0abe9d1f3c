"""The Facegauge server: see `app.py` for what it is made of, `types.py` for the way of a frame."""
