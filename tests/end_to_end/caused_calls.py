"""Calls with one cause each, put into a real clip at a known time and held there until an alert fires."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from prometheus_client.parser import text_string_to_metric_families

from bench.fault_clips import INSERTED, TimedPicture, faulty
from facegauge_client import (
    Assessment,
    CauseKind,
    Client,
    Delivery,
    Event,
    EventKind,
    EventPosition,
)
from facegauge_server.types import Box
from tests.local_stack import Stack, get_json

__all__ = ["CALL", "CAUSES", "END_S", "OWN_RULES", "START_S", "CausedCall", "play_all"]

Picture = npt.NDArray[np.uint8]

CALL = "causes"
FPS = 12.5
SPANS_S = (2.4, 1.6, 2.6)
START_S, END_S = SPANS_S[0], SPANS_S[0] + SPANS_S[1]
TIME_CONSTANT_S = 0.3
"""Of the smoothing: what a picture costs is to be seen within the second that is promised."""
LIMIT_S = 60.0
COSTS = 0.1
"""What a cause of the picture must cost to be named: the default of --cause-threshold."""
OWN_RULES = {
    "groups": [
        {
            "name": "own",
            "interval": "200ms",
            "rules": [
                {"alert": "HasFault", "expr": "facegauge_stream_fault"},
                {"alert": "HasCost", "expr": f"facegauge_stream_impairment_ratio >= {COSTS}"},
            ],
        }
    ]
}
"""An alert for every cause, as an operator might write it: none of the shipped is for a face cut off."""


def _compressed(picture: Picture) -> bytes:
    return _jpeg(picture, quality=10)


def _small(picture: Picture) -> bytes:
    return _jpeg(cv2.resize(picture, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA))


def _blurred(picture: Picture) -> bytes:
    return _jpeg(cv2.GaussianBlur(picture, (0, 0), 2.5))


def _noisy(picture: Picture) -> bytes:
    grain = np.random.default_rng(0).normal(0, 30, picture.shape)
    return _jpeg(np.clip(picture + grain, 0, 255))


def _dark(picture: Picture) -> bytes:
    return _jpeg(picture * 0.2)


def _jpeg(picture: npt.ArrayLike, quality: int = 92) -> bytes:
    pixels = np.ascontiguousarray(picture, np.uint8)
    encoded: bytes = simplejpeg.encode_jpeg(pixels, quality=quality, colorsubsampling="420")
    return encoded


DEGRADED: dict[str, Callable[[Picture], bytes]] = {
    "compression": _compressed,
    "resolution": _small,
    "blur": _blurred,
    "noise": _noisy,
    "exposure": _dark,
}
CAUSES = (*INSERTED, *DEGRADED)
"""What is put in: faults of the stream, then causes of the picture."""


@dataclass
class CausedCall:
    """One stream of the call, and what was seen of it."""

    name: str
    kind: CauseKind
    assessments: list[tuple[float, Assessment]] = field(default_factory=list)
    """With the capture time of each frame."""
    events: list[Event] = field(default_factory=list)
    times_s: dict[CauseKind, float] = field(default_factory=dict)
    """Seconds by cause, as its summary has them."""
    series: dict[str, float] = field(default_factory=dict)
    """Those of its kind of cause while the cause lasted, by cause, as Prometheus had them."""
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Those that fired meanwhile, by name; of `OWN_RULES` only the one that is labelled with its cause."""
    fleet_s: float = 0.0
    """Seconds of its cause in all streams, by the server's counter."""

    @property
    def is_fault(self) -> bool:
        """Whether rules find it, rather than the student."""
        return self.name in INSERTED

    @property
    def metric(self) -> str:
        """Whose series tell of it."""
        return "facegauge_stream_fault" if self.is_fault else "facegauge_stream_impairment_ratio"

    @property
    def own_alert(self) -> str:
        """Which of `OWN_RULES` is about it."""
        return "HasFault" if self.is_fault else "HasCost"

    def names(self, assessment: Assessment) -> bool:
        """Whether an assessment says so first."""
        return assessment.main_cause is not None and assessment.main_cause.kind is self.kind

    def look(self, stack: Stack) -> None:
        """Take over what Prometheus has of it now."""
        series = stack.query(f'{self.metric}{{stream_id="{self.name}"}}')
        self.series = {one["metric"]["cause"]: float(one["value"][1]) for one in series}
        self.alerts = {
            one["labels"]["alertname"]: one
            for one in get_json(f"{stack.prometheus}/api/v1/alerts")["data"]["alerts"]
            if one["state"] == "firing"
            and one["labels"].get("stream_id") == self.name
            and one["labels"].get("cause", self.kind) == self.kind
        }


def play_all(
    stack: Stack, clip: list[TimedPicture], face: Box, room: Picture, shipped: dict[str, str]
) -> dict[str, CausedCall]:
    """Play all calls at once; each waits where its cause is named until Prometheus has alerted of all.

    Args:
        stack: runs `OWN_RULES` too.
        clip: pictures that have no cause.
        face: where the face is in the first one.
        room: a picture without a face.
        shipped: the shipped alert of each cause that has one.
    """
    calls = [CausedCall(name, CauseKind(INSERTED.get(name, name))) for name in CAUSES]

    def has_begun(call: CausedCall) -> bool:
        return {call.own_alert, shipped.get(call.name, call.own_alert)} <= call.alerts.keys()

    def is_over(call: CausedCall) -> bool:
        return call.own_alert not in call.alerts and call.series.get(call.kind, 0.0) < COSTS

    async def play() -> None:
        barrier = asyncio.Barrier(len(calls) + 1)
        async with Client(stack.server) as client:
            async with asyncio.TaskGroup() as tasks:
                for call in calls:
                    tasks.create_task(_play(client, call, _frames(call, clip, face, room), barrier))
                await barrier.wait()
                await asyncio.to_thread(_watch, stack, calls, has_begun)
                await barrier.wait()
                during = [(call.series, call.alerts) for call in calls]
                await barrier.wait()
                await asyncio.to_thread(_watch, stack, calls, is_over)
                await barrier.wait()
            for call, (series, alerts) in zip(calls, during, strict=True):
                call.series, call.alerts = series, alerts
            await _read_events(client, calls)

    asyncio.run(play())
    with urllib.request.urlopen(stack.metrics) as response:  # noqa: S310 - our own server
        exported = response.read().decode()
    totals = {
        sample.labels["cause"]: sample.value
        for family in text_string_to_metric_families(exported)
        for sample in family.samples
        if sample.name == "facegauge_cause_seconds_total"
    }
    for call in calls:
        call.fleet_s = totals[call.kind]
    return {call.name: call for call in calls}


def _frames(
    call: CausedCall, clip: list[TimedPicture], face: Box, room: Picture
) -> Iterator[tuple[float, bytes]]:
    for picture in faulty(clip, call.name if call.is_fault else "", face, room, FPS, SPANS_S):
        lasts = START_S <= picture.capture_time_s < END_S
        degrade = DEGRADED[call.name] if lasts and not call.is_fault else _jpeg
        yield picture.capture_time_s, degrade(picture.pixels)


async def _play(
    client: Client, call: CausedCall, frames: Iterator[tuple[float, bytes]], barrier: asyncio.Barrier
) -> None:
    is_held = False
    async with client.monitor(
        call.name, CALL, delivery=Delivery.COMPLETE, time_constant_s=TIME_CONSTANT_S
    ) as stream:
        for at_s, data in frames:
            await stream.send(data, capture_time_s=at_s)
            call.assessments.append((at_s, await anext(aiter(stream))))
            lasts = at_s + 1 / FPS < END_S  # a cause costs most, or has lasted longest, where it ends
            if not is_held and not lasts and call.names(call.assessments[-1][1]):
                is_held = True
                await _hold(barrier)
        if not is_held:
            await _hold(barrier)  # it is the test that fails, not the others' calls
        await _hold(barrier)
    assert stream.summary is not None
    call.times_s = {one.kind: one.seconds for one in stream.summary.cause_times}


async def _hold(barrier: asyncio.Barrier) -> None:
    """Wait until all have come so far, then until they have been looked at."""
    await barrier.wait()
    await barrier.wait()


def _watch(stack: Stack, calls: list[CausedCall], condition: Callable[[CausedCall], bool]) -> None:
    """Look until the condition is met for each call, or for too long: whoever reads it sees for which."""

    def are_all() -> bool:
        for call in calls:
            call.look(stack)
        return all(map(condition, calls))

    deadline_s = time.monotonic() + LIMIT_S
    while not are_all() and time.monotonic() < deadline_s:
        time.sleep(0.2)  # Prometheus has no other way to tell


async def _read_events(client: Client, calls: list[CausedCall]) -> None:
    by_name = {call.name: call for call in calls}
    ended = 0
    async with aclosing(client.watch_events(CALL, after=EventPosition())) as events:
        while ended < len(calls):
            event = await anext(events)
            assert isinstance(event, Event)
            by_name[event.stream_id].events.append(event)
            ended += event.kind is EventKind.STREAM_ENDED
