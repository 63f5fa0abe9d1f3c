"""Run a coroutine by hand, so that a test can see that it waits without letting time pass."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

__all__ = ["Stepped"]


class Stepped(Generic[T]):
    """A coroutine that has run as far as it can by itself."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._results: list[T] = []
        self._step()

    def waits(self) -> bool:
        """Return whether it still waits, after everything that has happened until now."""
        if not self._results and self._future.done():
            self._step()
        return not self._results

    def result(self) -> T:
        """Return what it returned."""
        assert not self.waits(), "it still waits"
        return self._results[0]

    def give_up(self) -> None:
        """End it where it waits."""
        self._coroutine.close()

    def _step(self) -> None:
        try:
            self._future = self._coroutine.send(None)
        except StopIteration as stop:
            self._results.append(stop.value)
