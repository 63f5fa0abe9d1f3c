"""Decide which frames of one LIVE stream are scored, and when: where a live frame waits.

The newest frame is never thrown away. It is held until the rate limit and the sampler let it pass and a
worker is free; a newer one replaces it, and that replacement is the only way in which a frame is left out. So
the newest frame of a stream is always answered, at the latest 250 ms after it could have been.

Everything here is synchronous, and `now_s` is the server's monotonic clock; `buffers.LiveInbox` does the
waiting.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import EncodedFrame

__all__ = ["FrameGate", "LeftOut", "ReceivedFrame"]


class LeftOut(enum.Enum):
    """Why a frame gave way to a newer one."""

    STEADY = "steady"
    """The sampler did not need it."""
    TOO_FAST = "too_fast"
    """The rate limit held it."""
    OVER_QUOTA = "over_quota"
    """The limit on all streams of its tenant held it."""
    OVERLOAD = "overload"
    """No worker was free."""


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """A frame on its way to the pipeline."""

    frame: EncodedFrame
    ready_s: float
    """When it might have been scored at the earliest: on arrival, or when a limit let it pass."""


class FrameGate:
    """Holds the newest frame of one stream until it may be scored."""

    def __init__(
        self, rate_limit: RateLimit, sampler: AdaptiveSampler, tenant_limit: RateLimit | None = None
    ) -> None:
        """Make an empty gate.

        Args:
            rate_limit: the stream's own.
            sampler: the stream's own.
            tenant_limit: shared with the other streams of the tenant; None for none.
        """
        self._rate_limit = rate_limit
        self._sampler = sampler
        self._tenant_limit = tenant_limit or RateLimit(0)
        self._turn_s: float | None = None
        """When the tenant's limit lets a frame of this stream pass; None while no turn is reserved."""
        self._held: tuple[EncodedFrame, float] | None = None
        self._due_capture_s: float | None = None
        """Capture time of the first frame that the sampler wanted since the last one was taken."""

    @property
    def ready_s(self) -> float | None:
        """When the held frame may be scored; None when none is held. Changes with every call below."""
        if self._held is None:
            return None
        turn_s = self._tenant_limit.ready_s if self._turn_s is None else self._turn_s
        return max(self._sampled_s(*self._held), self._rate_limit.ready_s, turn_s)

    def put(self, frame: EncodedFrame, now_s: float) -> LeftOut | None:
        """Hold a frame that arrives; says why the one that was held is left out, if there was one."""
        left_out = None if self._held is None else self._why_left_out(*self._held, frame, now_s)
        self._held = (frame, now_s)
        if self._turn_s is None and self._sampled_s(frame, now_s) <= now_s:
            self._turn_s = self._tenant_limit.reserve(now_s)
        return left_out

    def take(self, now_s: float) -> ReceivedFrame | None:
        """Hand out the held frame, be it ready or not, and count it against the limits."""
        ready_s = self.ready_s
        if self._held is None or ready_s is None:
            return None
        (frame, _), self._held = self._held, None
        self._due_capture_s = None
        self._rate_limit.take(now_s)
        if self._turn_s is None:
            self._tenant_limit.take(now_s)
        self._turn_s = None
        self._sampler.take(frame, now_s)
        return ReceivedFrame(frame, min(ready_s, now_s))

    def discard(self) -> None:
        """Forget the held frame, which will not be scored."""
        self._held = None

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a frame's main face, 0-1, or that it had none."""
        self._sampler.scored(raw_quality, capture_time_s)

    def _why_left_out(
        self, held: EncodedFrame, arrived_s: float, newer: EncodedFrame, now_s: float
    ) -> LeftOut:
        if now_s < self._sampled_s(held, arrived_s):
            return LeftOut.STEADY
        if self._due_capture_s is None:
            self._due_capture_s = held.capture_time_s
        if self._sampler.needs_one_of(held, newer, self._due_capture_s):
            return LeftOut.STEADY
        self._due_capture_s = newer.capture_time_s
        if now_s < self._rate_limit.ready_s:
            return LeftOut.TOO_FAST
        is_over_quota = self._turn_s is not None and now_s < self._turn_s
        return LeftOut.OVER_QUOTA if is_over_quota else LeftOut.OVERLOAD

    def _sampled_s(self, frame: EncodedFrame, arrived_s: float) -> float:
        return self._sampler.ready_s(frame, arrived_s)
