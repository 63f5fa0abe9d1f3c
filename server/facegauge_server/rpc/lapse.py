"""Something that is held for as long as a block takes, but no longer than a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["held_at_most"]


@contextmanager
def held_at_most(limit_s: float, give_back: Callable[[], None]) -> Iterator[None]:
    """Call `give_back` once: at the end of the block, or after `limit_s` where the block takes longer."""
    is_held = True

    def lapse() -> None:
        nonlocal is_held
        if is_held:
            is_held = False
            give_back()

    timer = asyncio.get_running_loop().call_later(limit_s, lapse)
    try:
        yield
    finally:
        timer.cancel()
        lapse()
