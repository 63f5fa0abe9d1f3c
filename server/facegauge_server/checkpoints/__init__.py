"""Checkpoints: a snapshot as a message (`message.py`), sealed (`seal.py`) with shared keys (`keys.py`).

`issuer.py` puts them together: what the session table knows of them.
"""
