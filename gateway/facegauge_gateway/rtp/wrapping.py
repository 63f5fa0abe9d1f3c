"""Numbers of few bits that begin again at zero: picture IDs, sequence numbers, timestamps."""

from __future__ import annotations

__all__ = ["unwrap", "wrapped_distance"]


def wrapped_distance(number: int, origin: int, bits: int) -> int:
    """Return how far a number lies after another one (negative: before), the shorter way around."""
    half = 1 << bits - 1
    return (number - origin + half & (1 << bits) - 1) - half


def unwrap(number: int, near: int, bits: int) -> int:
    """Return the number's continuation that is nearest to `near`, which has been unwrapped before."""
    return near + wrapped_distance(number, near, bits)
