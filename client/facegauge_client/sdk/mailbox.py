"""A bounded queue between two tasks of one event loop: it drops its oldest item, or makes the sender wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["Mailbox", "MailboxClosed"]

T = TypeVar("T")


class MailboxClosed(Exception):
    """Nothing goes in any more, and nothing is left to come out."""


class Mailbox(Generic[T]):
    """At most `capacity` items, first in first out.

    `offer` never waits: the oldest item makes room and is counted in `dropped`. `put` waits for room.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a mailbox holds at least one item, not {capacity}")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._closed = False
        self._relaxed = False
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether nothing goes in any more; items may still come out."""
        return self._closed

    def offer(self, item: T) -> None:
        """Put an item in at once, dropping the oldest if there is no room."""
        if self._closed:
            raise MailboxClosed
        if len(self._items) >= self._capacity:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._update()

    async def put(self, item: T) -> None:
        """Put an item in as soon as there is room."""
        while not self._closed and not self._relaxed and len(self._items) >= self._capacity:
            await self._writable.wait()
        self.offer(item)

    def put_back(self, items: Iterable[T]) -> None:
        """Put items before all others, whether there is room or not, and also once closed."""
        self._items.extendleft(reversed(list(items)))
        self._update()

    async def get(self) -> T:
        """Take the oldest item, waiting for one; MailboxClosed once the mailbox is closed and empty."""
        while not self._items:
            if self._closed:
                raise MailboxClosed
            await self._readable.wait()
        item = self._items.popleft()
        self._update()
        return item

    def take_while(self, wanted: Callable[[T], bool]) -> list[T]:
        """Take the oldest items, as long as they are wanted, without waiting."""
        taken: list[T] = []
        while self._items and wanted(self._items[0]):
            taken.append(self._items.popleft())
        self._update()
        return taken

    async def wait_readable(self) -> None:
        """Wait until `get` would not: for an item, or for the end."""
        await self._readable.wait()

    def relax(self) -> None:
        """Let `put` drop the oldest item, from now on, where it would have waited."""
        self._relaxed = True
        self._update()

    def close(self) -> None:
        """Take no more items."""
        self._closed = True
        self._update()

    def _update(self) -> None:
        _switch(self._readable, on=bool(self._items) or self._closed)
        _switch(self._writable, on=len(self._items) < self._capacity or self._closed or self._relaxed)


def _switch(event: asyncio.Event, *, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
