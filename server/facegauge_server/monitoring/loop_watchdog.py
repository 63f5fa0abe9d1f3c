"""A thread that watches the event loop: reports where a blocked one stands, and ends a process that is lost.

All streams' receiving and sending runs on one loop. When something blocks it, nothing on the loop can say so;
a supervisor that asks /livez gets no answer and restarts the process. Where nobody asks, the process ends
itself.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["EXIT_CODE", "LoopWatchdog"]

REPORT_AFTER_S = 5.0
"""How long the loop may be blocked before the stacks of all threads are written to standard error."""
EXIT_AFTER_S = 60.0
"""How long it may be blocked before the process ends."""
EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""
CHECK_INTERVAL_S = 0.5


class Patience:
    """Decides what a silent loop calls for. Times are monotonic seconds."""

    def __init__(self, now_s: float, report_after_s: float, exit_after_s: float) -> None:
        self._beat_s = now_s
        self._report_after_s = report_after_s
        self._exit_after_s = exit_after_s
        self._reported = False

    def beat(self, now_s: float) -> None:
        """Note that the loop turns."""
        self._beat_s = now_s
        self._reported = False

    def must_report(self, now_s: float) -> bool:
        """Return whether to report the loop as blocked: once for each time that it is."""
        due = not self._reported and now_s - self._beat_s >= self._report_after_s
        self._reported |= due
        return due

    def must_exit(self, now_s: float) -> bool:
        """Return whether the loop is beyond hope."""
        return now_s - self._beat_s >= self._exit_after_s


class LoopWatchdog:
    """Watches from `start` to `stop`; the loop calls `beat` several times a second."""

    def __init__(
        self,
        report_after_s: float = REPORT_AFTER_S,
        exit_after_s: float = EXIT_AFTER_S,
        leave: Callable[[int], None] = os._exit,
        output: TextIO | None = None,
    ) -> None:
        self._patience = Patience(time.monotonic(), report_after_s, exit_after_s)
        self._leave = leave
        self._output = output or sys.stderr
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._patience.beat(time.monotonic())
        self._thread.start()

    def beat(self) -> None:
        """Note that the loop turns; called on the loop."""
        self._patience.beat(time.monotonic())

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(CHECK_INTERVAL_S):
            now_s = time.monotonic()
            if self._patience.must_report(now_s):
                self._say("facegauge-server: the event loop is blocked; the stacks of all threads:")
                faulthandler.dump_traceback(self._output)
            if self._patience.must_exit(now_s):
                self._say("facegauge-server: the event loop stays blocked: exiting for the supervisor")
                self._leave(EXIT_CODE)
                return

    def _say(self, text: str) -> None:
        try:
            self._output.write(text + "\n")
            self._output.flush()
        except OSError:
            pass  # nobody can read it: what must be done is done all the same
