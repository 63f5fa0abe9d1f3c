"""Where units of one stream wait for their decoder: nothing of a chain is ever left out and the rest kept.

LIVE: units wait in order, and a `FrameGate` chooses when a picture is scored, as for pictures of their own.
All that wait are then decoded in one run and the newest is scored; where none is due for long, a run decodes
without scoring. Where too many wait, the upper layers go first, then everything up to a keyframe.

COMPLETE: the writer waits for room, each unit is a run, and a grid of capture times chooses what is scored.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from facegauge_server.coded_types import Pick, Unit, UnitRun
from facegauge_server.streams.coded.decode_chain import DecodeChain
from facegauge_server.streams.frame_gate import FrameGate, LeftOut
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import EncodedFrame

__all__ = ["CompleteUnitInbox", "LiveUnitInbox", "ReceivedRun", "UnitInbox"]

RUN_UNITS = 16
"""Units that wait without one being due before a run decodes them: half a second of a call."""
MAX_WAITING_UNITS = 48
MAX_WAITING_BYTES = 4 * 1024 * 1024
"""More waiting is overload: 1.6 s of a call, at a rate that no call has."""
CLOCK_NOISE = 1e-6
"""Share of an interval by which a picture may come too early."""
COMPLETE_CAPACITY = 8
"""Units that wait under COMPLETE delivery before the sender must."""


@dataclass(frozen=True, slots=True)
class ReceivedRun:
    """A run on its way to the stream's decoder."""

    run: UnitRun
    left_out: tuple[LeftOut | None, ...]
    """Why the picture of each unit is not to be scored; None where it is."""
    ready_s: float | None
    """When its picture might have been scored at the earliest; None where none is to be."""


class UnitInbox(Protocol):
    """Units of one stream on their way to its decoder. `now_s` is the server's monotonic clock."""

    async def wait_for_room(self) -> None:
        """Wait until another unit may be put."""

    def put(self, frame: EncodedFrame, now_s: float) -> int:
        """Add a unit; returns how many units will not be decoded for it. Raises BadFrame for what is none."""

    async def wait_for_run(self) -> bool:
        """Wait until units may be decoded; False once the inbox is closed and its decoder empty."""

    def take(self, now_s: float) -> ReceivedRun | None:
        """Hand out the next run; None where there is none any more."""

    def decoded(self, *, waiting: int) -> None:
        """Note that a run has been decoded, and how many pictures of it wait."""

    def broke(self, why: str, *, starved: bool) -> int:
        """Begin again at a keyframe: the decoder has lost the chain. Returns how many units that costs.

        `starved` as in `DecodeChain.break_off`.
        """

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a picture's main face, 0-1, or that it had none."""

    def close(self) -> None:
        """Accept no more units; those that wait are handed out without further delay."""


class LiveUnitInbox:
    """Units in order, with a gate for what is scored."""

    def __init__(
        self, chain: DecodeChain, gate: FrameGate, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._chain = chain
        self._gate = gate
        self._clock = clock
        self._units: list[tuple[Unit, LeftOut | None]] = []
        self._bytes = 0
        self._newest_s = -math.inf
        self._changed = asyncio.Event()
        self._closed = False

    async def wait_for_room(self) -> None:
        """Return at once: units of an overload are left out."""

    def put(self, frame: EncodedFrame, now_s: float) -> int:
        """Add a unit; returns how many units will not be decoded for it. Raises BadFrame for what is none."""
        unit = self._chain.admit(frame, now_s)
        if unit is None:
            return 1
        self._changed.set()
        lost = 0
        if len(self._units) >= MAX_WAITING_UNITS or self._bytes + len(frame.data) > MAX_WAITING_BYTES:
            lost, unit = self._shed(unit)
            if unit is None:
                return lost
        # Pictures are chosen by a clock that does not go back, though units in decoding order may.
        self._newest_s = max(self._newest_s, frame.capture_time_s)
        offered = replace(frame, data=b"", capture_time_s=self._newest_s, keyframe=unit.is_key)
        left_out = self._gate.put(offered, now_s)
        if self._units and left_out is not None:
            self._units[-1] = (self._units[-1][0], left_out)
        self._units.append((unit, None))
        self._bytes += len(frame.data)
        return lost

    async def wait_for_run(self) -> bool:
        """Wait until a picture may be scored, or many units wait; False once closed and empty."""
        while True:
            ready_s, now_s = self._gate.ready_s, self._clock()
            if self._closed:
                return bool(self._units)
            if (ready_s is not None and ready_s <= now_s) or len(self._units) > RUN_UNITS:
                return True
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if ready_s is None else ready_s - now_s):
                    await self._changed.wait()

    def take(self, now_s: float) -> ReceivedRun | None:
        """Hand out all units that wait if a picture is due, else all but the newest."""
        ready_s = self._gate.ready_s
        if self._closed or (ready_s is not None and ready_s <= now_s):
            received = self._gate.take(now_s)
            ready_s = None if received is None else received.ready_s
            return self._hand_out(len(self._units), Pick.NEWEST, ready_s)
        return self._hand_out(len(self._units) - 1, Pick.NONE, None)

    def decoded(self, *, waiting: int) -> None:
        """Do nothing: the newest picture is picked, and none waits."""

    def broke(self, why: str, *, starved: bool) -> int:
        """Begin again at the first keyframe that waits, or at the next one that comes."""
        for index, (unit, _) in enumerate(self._units):
            if unit.is_key:
                return self._drop_before(index)
        self._chain.break_off(why, starved=starved)
        return self._drop_all()

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a picture's main face, 0-1, or that it had none."""
        self._gate.scored(raw_quality, capture_time_s)

    def close(self) -> None:
        """Accept no more units; those that wait are handed out at once."""
        self._closed = True
        self._changed.set()

    def _hand_out(self, count: int, pick: Pick, ready_s: float | None) -> ReceivedRun | None:
        if count <= 0:
            return None
        taken, self._units = self._units[:count], self._units[count:]
        run = UnitRun(tuple(unit for unit, _ in taken), pick, ends=self._closed)
        self._bytes -= run.size
        return ReceivedRun(run, tuple(why for _, why in taken), ready_s)

    def _shed(self, newer: Unit) -> tuple[int, Unit | None]:
        """Make room: returns how many units are lost, and the newer one if it can still be decoded."""
        if newer.is_key:
            return self._drop_all(), replace(newer, starts=True)
        top_layer = max((unit.frame.temporal_layer or 0 for unit, _ in self._units), default=0)
        if top_layer:
            return self._drop_layer(top_layer, newer)
        keys = [index for index, (unit, _) in enumerate(self._units) if unit.is_key and index]
        if keys:
            return self._drop_before(keys[-1]), newer
        self._chain.break_off("the server could not keep up")
        return self._drop_all() + 1, None

    def _drop_layer(self, layer: int, newer: Unit) -> tuple[int, Unit | None]:
        self._chain.limit_layers(layer - 1)
        kept = [entry for entry in self._units if (entry[0].frame.temporal_layer or 0) < layer]
        lost = len(self._units) - len(kept)
        if not kept or kept[-1] is not self._units[-1]:
            self._gate.discard()
        self._keep(kept)
        if (newer.frame.temporal_layer or 0) >= layer:
            return lost + 1, None
        return lost, newer

    def _drop_before(self, key_index: int) -> int:
        """Drop the units before a keyframe, which starts the decoder anew."""
        (first, why), *rest = self._units[key_index:]
        self._keep([(replace(first, starts=True), why), *rest])
        return key_index

    def _drop_all(self) -> int:
        lost = len(self._units)
        self._gate.discard()
        self._keep([])
        return lost

    def _keep(self, units: list[tuple[Unit, LeftOut | None]]) -> None:
        self._units = units
        self._bytes = sum(len(unit.frame.data) for unit, _ in units)


class CompleteUnitInbox:
    """A short queue from which nothing is dropped, and a grid of capture times for what is scored."""

    def __init__(
        self,
        chain: DecodeChain,
        max_fps: float,
        tenant_limit: RateLimit | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Score `max_fps` pictures per second of capture time, 0 all; a tenant's limit makes them wait."""
        self._chain = chain
        self._tenant_limit = tenant_limit or RateLimit(0)
        self._clock = clock
        self._pass_s = -math.inf
        self._units: deque[Unit] = deque()
        self._interval_s = 1 / max_fps if max_fps else 0.0
        self._due_s = -math.inf
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self._has_ended = False
        self._holds_pictures = False

    async def wait_for_room(self) -> None:
        """Wait until the queue has room."""
        await self._room.wait()

    def put(self, frame: EncodedFrame, now_s: float) -> int:
        """Add a unit; the caller has waited for room."""
        unit = self._chain.admit(frame, now_s)
        if unit is None:
            return 1
        self._units.append(unit)
        self._changed.set()
        if len(self._units) >= COMPLETE_CAPACITY:
            self._room.clear()
        return 0

    async def wait_for_run(self) -> bool:
        """Wait for a unit; False once closed, and every picture taken from the decoder."""
        while not self._units and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        await asyncio.sleep(max(0.0, self._pass_s - self._clock()))
        return bool(self._units) or self._holds_pictures

    def take(self, now_s: float) -> ReceivedRun | None:  # noqa: ARG002 - LIVE needs it
        """Hand out the oldest unit, or at the end nothing but the wish for the pictures that are left."""
        units = (self._units.popleft(),) if self._units else ()
        self._room.set()
        self._has_ended = self._closed and not self._units
        if not units and not self._has_ended:
            return None
        self._holds_pictures = True
        due_s = self._due_s - CLOCK_NOISE * self._interval_s
        run = UnitRun(units, Pick.DUE, due_s, ends=self._has_ended)
        return ReceivedRun(run, (None,) * len(units), None)

    def decoded(self, *, waiting: int) -> None:
        """Note that a run has been decoded, and how many pictures of it wait."""
        self._holds_pictures = bool(waiting) or not self._has_ended

    def broke(self, why: str, *, starved: bool) -> int:
        """Begin again at the first keyframe that waits, or at the next one that comes."""
        lost = 0
        while self._units and not self._units[0].is_key:
            self._units.popleft()
            lost += 1
        if self._units:
            self._units[0] = replace(self._units[0], starts=True)
        else:
            self._chain.break_off(why, starved=starved)
            self._room.set()
        return lost

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:  # noqa: ARG002 - LIVE needs it
        """Note that a picture was scored: the next point of the grid after it is due."""
        self._pass_s = self._tenant_limit.reserve(self._clock())
        if not self._interval_s:
            return
        if math.isinf(self._due_s):
            self._due_s = capture_time_s
        behind = (capture_time_s - self._due_s) / self._interval_s
        self._due_s += self._interval_s * (math.floor(behind + CLOCK_NOISE) + 1)

    def close(self) -> None:
        """Accept no more units."""
        self._closed = True
        self._changed.set()
