"""What is wrong with bytes from the network."""

from __future__ import annotations

__all__ = ["BadPacket"]


class BadPacket(Exception):
    """Bytes that are not what they should be; the message names what is wrong, for whoever sends them."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep a short `reason` out of a closed set, fit for a counter's label."""
        super().__init__(message)
        self.reason = reason
