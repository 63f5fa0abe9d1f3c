"""What the gateway raises on purpose, sorted by who must act.

    GatewayError
    └── BadConfiguration    whoever started the gateway: a flag or a file

What the server refuses is an error of the SDK, `facegauge_client.FacegaugeError`; a packet that cannot be
read is `facegauge_gateway.rtp`'s `BadPacket`, which costs that packet alone.
"""

from __future__ import annotations

__all__ = ["BadConfiguration", "GatewayError"]


class GatewayError(Exception):
    """Base of the errors that this package raises on purpose; the text says in a sentence what to do."""


class BadConfiguration(GatewayError):
    """A flag, a variable or a file is wrong; the text names it."""
