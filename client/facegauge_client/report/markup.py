"""Words and pictures as HTML that cannot be anything else."""

from __future__ import annotations

import base64
from html import escape

from facegauge_client.quality_bands import band_of

__all__ = ["NOTHING", "clock", "image", "number", "share", "text"]

NOTHING = "&ndash;"
"""In place of a figure that does not exist."""


def text(words: str) -> str:
    """Escape words from outside, for between tags and inside quoted attributes.

    What does not print (control characters, halves of surrogate pairs, marks that turn the direction of
    writing) becomes a question mark.
    """
    return escape("".join(character if character.isprintable() else "?" for character in words))


def image(jpeg: bytes, words: str) -> str:
    """Put a JPEG into the page itself; nothing for no bytes."""
    if not jpeg:
        return ""
    return f'<img alt="{text(words)}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'


def number(quality: float | None) -> str:
    """Write a quality in its band's colour, or a dash."""
    if quality is None:
        return NOTHING
    return f'<b class="{band_of(quality).name.lower()}">{quality:.2f}</b>'


def share(part: float) -> str:
    """Write a share, 0-1, as a percentage that is 0 or 100 only where nothing or all is meant."""
    if 0 < part < 0.01:
        return "&lt;1%"
    return "&gt;99%" if 0.99 < part < 1 else f"{part:.0%}"


def clock(seconds: float) -> str:
    """Write a time as m:ss, or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
