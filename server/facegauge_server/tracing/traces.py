"""What is told of a frame once it is assessed, and to whom: nobody, unless a collector was named.

A trace is made of a frame after the fact, from times that are taken anyway, so that a frame that is not
traced costs a comparison. A frame of a stream is a trace of its own, with a link to the span in which the
client opened the stream, since a call of an hour is too long for one trace; a single picture belongs to its
caller's trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from facegauge_server.tracing.trace_parent import TraceParent
from facegauge_server.types import FrameScore

__all__ = ["UNTRACED", "FrameTimes", "NoTraces", "TraceFrame", "TracedCall", "Traces", "bound"]


@dataclass(frozen=True, slots=True)
class TracedCall:
    """The call that a frame belongs to."""

    method: str
    """`MonitorStream` or `AssessImage`."""
    tenant: str = ""
    stream_id: str = ""
    call_id: str = ""
    parent: TraceParent | None = None
    """The caller's span, where it has named one."""

    @property
    def is_picture(self) -> bool:
        """Whether it has this one frame, and so belongs to its caller's trace."""
        return self.method == "AssessImage"


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When a frame got how far, seconds of the server's monotonic clock."""

    ready_s: float
    """It might have been taken up at the earliest: it had arrived, and a limit let it pass."""
    taken_s: float
    """It was given worker time."""
    done_s: float
    """It was assessed."""


TraceFrame = Callable[[FrameTimes, FrameScore], str | None]
"""Tells of a frame of one call, and returns the id of its trace, hexadecimal; None where it is not traced."""


class Traces(Protocol):
    """Takes note of frames."""

    def frame(self, call: TracedCall, times: FrameTimes, score: FrameScore) -> str | None:
        """Tell of a frame: see `TraceFrame`. Never waits, never raises."""

    async def close(self, grace_s: float) -> None:
        """Deliver what waits, for so long at most."""


class NoTraces:
    """Takes note of nothing."""

    def frame(self, _call: TracedCall, _times: FrameTimes, _score: FrameScore) -> str | None:
        """Do nothing."""
        return None

    async def close(self, _grace_s: float) -> None:
        """Do nothing."""


def bound(traces: Traces, call: TracedCall) -> TraceFrame:
    """Return what tells of one call's frames."""
    return partial(traces.frame, call)


UNTRACED: TraceFrame = bound(NoTraces(), TracedCall("none"))
