"""Signals, received by a thread of their own: they count whatever the event loop is doing.

SIGTERM and SIGINT ask for a drain, a second one ends the process at once, and so does a drain that has not
finished in its time. SIGHUP asks to reread files.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

__all__ = ["SignalThread"]

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
SIGNALS = STOP_SIGNALS | {signal.SIGHUP}
UNFINISHED_EXIT_CODE = 1


class SignalThread:
    """Receives signals from `start` on, for as long as the process lives."""

    def __init__(
        self,
        on_stop: Callable[[], None],
        on_hangup: Callable[[], None],
        grace_s: float,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        """Prepare the thread.

        Args:
            on_stop: called at the first SIGTERM or SIGINT, on the thread.
            on_hangup: called at SIGHUP, on the thread.
            grace_s: seconds from the first signal to the end of the process, come what may.
            leave: ends the process with an exit code.
        """
        self._on_stop = on_stop
        self._on_hangup = on_hangup
        self._grace_s = grace_s
        self._leave = leave

    @staticmethod
    def block() -> None:
        """Keep the signals from every thread; call before any other thread starts, which inherits it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def start(self) -> None:
        """Start receiving."""
        threading.Thread(target=self._receive, name="signals", daemon=True).start()

    def _receive(self) -> None:
        while (received := signal.sigwait(SIGNALS)) == signal.SIGHUP:
            self._on_hangup()
        assert received in STOP_SIGNALS  # noqa: S101 - sigwait returns nothing else
        deadline = threading.Timer(self._grace_s, self._leave, (UNFINISHED_EXIT_CODE,))
        deadline.daemon = True
        deadline.start()
        self._on_stop()
        while signal.sigwait(SIGNALS) == signal.SIGHUP:
            pass
        self._leave(UNFINISHED_EXIT_CODE)
