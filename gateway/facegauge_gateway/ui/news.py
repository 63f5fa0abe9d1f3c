"""News for any number of waiters, none of whom is waited for."""

from __future__ import annotations

import asyncio

__all__ = ["News"]


class News:
    """A number that grows with every piece of news; who has seen the last one waits for the next."""

    def __init__(self) -> None:
        self.version = 0
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Let all who wait go on."""
        self.version += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, seen: int) -> int:
        """Wait until there is news after what has been seen; returns its number."""
        while self.version == seen:
            await self._next.wait()
        return self.version
