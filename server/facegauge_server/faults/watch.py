"""From a value of every frame to a fault that begins and ends: hysteresis and patience."""

from __future__ import annotations

from facegauge_server.faults.definitions import Definition
from facegauge_server.snapshots import WatchSnapshot
from facegauge_server.types import Fault

__all__ = ["CLEAR_S", "LEAST_S", "Watch"]

CLEAR_S = 0.5
"""How long the value must have been well for a fault to end."""
LEAST_S = 2.0
"""A fault is named for so long at least, so that nothing flickers."""


class Watch:
    """One fault of one stream. Capture times must never decrease."""

    def __init__(self, definition: Definition) -> None:
        self._is = definition
        self._met_since_s: float | None = None
        self._well_since_s: float | None = None
        self._named_s = 0.0
        self.fault: Fault | None = None
        """The fault while it lasts, with the value that last met it."""

    def see(self, value: float | None, at_s: float, threshold: float | None = None) -> Fault | None:
        """Take a frame's value; returns the fault while it lasts.

        Args:
            value: None where the rule does not apply to the frame, which is well then.
            at_s: capture time.
            threshold: another one than the definition's, where it depends on the stream.
        """
        limit = self._is.threshold if threshold is None else threshold
        if self.fault is None:
            self._begin(value, at_s, limit)
        else:
            self._go_on(self.fault, value, at_s, limit)
        return self.fault

    def snapshot(self) -> WatchSnapshot:
        """Return what it remembers."""
        fault = None if self.fault is None else (self.fault.value, self.fault.threshold)
        return WatchSnapshot(self._met_since_s, self._well_since_s, self._named_s, fault)

    def restore(self, snapshot: WatchSnapshot) -> None:
        """Go on from a snapshot."""
        self._met_since_s, self._well_since_s = snapshot.met_since_s, snapshot.well_since_s
        self._named_s = snapshot.named_s
        self.fault = None if snapshot.fault is None else Fault(self._is.kind, *snapshot.fault)

    def _begin(self, value: float | None, at_s: float, limit: float) -> None:
        if value is None or not self._meets(value, limit):
            self._met_since_s = None
            return
        if self._met_since_s is None:
            self._met_since_s = at_s
        if at_s - self._met_since_s >= self._is.after_s:
            self.fault = Fault(self._is.kind, value, limit)
            self._named_s, self._well_since_s = at_s, None

    def _go_on(self, fault: Fault, value: float | None, at_s: float, limit: float) -> None:
        end = limit + self._is.end - self._is.threshold
        if value is not None and self._meets(value, end):
            self._well_since_s = None
            if self._meets(value, limit):
                self.fault = Fault(fault.kind, value, limit)
            return
        if self._well_since_s is None:
            self._well_since_s = at_s
        if at_s - self._well_since_s >= CLEAR_S and at_s - self._named_s >= LEAST_S:
            self.fault = self._met_since_s = None

    def _meets(self, value: float, limit: float) -> bool:
        return value <= limit if self._is.is_worse_below else value >= limit
