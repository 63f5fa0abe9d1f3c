"""SessionSnapshot <-> facegauge.internal.v1.Checkpoint: the one place that reads and writes its fields.

Figures from 0 to 1 are kept to 1/16383, positions and durations as float32, capture times as they are; so a
snapshot that has been a message once is the same after being one again. What a reader does not know is left
out, and what no session can be is refused: the bytes are ours, but perhaps another version's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from google.protobuf.message import DecodeError

from facegauge.internal.v1 import checkpoint_pb2 as pb
from facegauge.v1 import quality_pb2 as interface
from facegauge_server.checkpoints import numbers
from facegauge_server.checkpoints.causes_message import causes_from, causes_to
from facegauge_server.checkpoints.faces_message import smoother_from, smoother_to, tracker_from, tracker_to
from facegauge_server.checkpoints.numbers import optional
from facegauge_server.snapshots import PoolSnapshot, ReporterSnapshot, SessionSnapshot

__all__ = ["Unreadable", "read", "write"]

THOUSAND = 1000

T = TypeVar("T")
Number = TypeVar("Number", int, float)


class Unreadable(Exception):
    """The bytes are no session."""


def write(snapshot: SessionSnapshot, sealed_ms: int) -> bytes:
    """Return a snapshot as bytes, sealed at a Unix time in milliseconds."""
    message = pb.Checkpoint(
        sealed_ms=sealed_ms,
        life=snapshot.life,
        age_s=snapshot.age_s,
        assessed_age_s=snapshot.assessed_age_s,
        last_frame_age_s=snapshot.last_frame_age_s,
        sequence=snapshot.sequence,
        capture_time_s=snapshot.capture_time_s,
        checkpoint_s=snapshot.checkpoint_s,
        frames=_indexed(numbers.RESULTS, dict(snapshot.frames), 0),
        received_bytes=snapshot.received_bytes,
        keyframes=snapshot.keyframes,
        breaks=snapshot.breaks,
        state_times_s=_indexed(numbers.STATES, dict(snapshot.state_times_s), 0.0),
        tracker=tracker_to(snapshot.tracker),
        smoother=smoother_to(snapshot.smoother),
        pool=_pool_to(snapshot.pool),
        causes=causes_to(snapshot.causes),
        reporter=_reporter_to(snapshot.reporter),
    )
    return message.SerializeToString()


def read(data: bytes) -> tuple[SessionSnapshot, int]:
    """Return the snapshot and when it was sealed; raises Unreadable for what `write` has not written."""
    try:
        message = pb.Checkpoint.FromString(data)
        snapshot = _session_from(message)
    except (DecodeError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return snapshot, message.sealed_ms


def _session_from(message: pb.Checkpoint) -> SessionSnapshot:
    numbers.check_finite(message)
    return SessionSnapshot(
        life=message.life,
        age_s=message.age_s,
        assessed_age_s=message.assessed_age_s,
        last_frame_age_s=optional(message, "last_frame_age_s"),
        sequence=optional(message, "sequence"),
        capture_time_s=optional(message, "capture_time_s"),
        checkpoint_s=optional(message, "checkpoint_s"),
        frames=_by_member(numbers.RESULT_OF, message.frames),
        received_bytes=message.received_bytes,
        keyframes=message.keyframes,
        breaks=message.breaks,
        state_times_s=_by_member(numbers.STATE_OF, message.state_times_s),
        tracker=tracker_from(message.tracker),
        smoother=smoother_from(message.smoother),
        pool=_pool_from(message.pool),
        causes=causes_from(message.causes),
        reporter=_reporter_from(message.reporter),
    )


def _indexed(number_of: Mapping[T, int], value_of: Mapping[T, Number], none: Number) -> list[Number]:
    """Return values in a list by their numbers, from 1 on."""
    member_of = {number: member for member, number in number_of.items()}
    last = max((number_of[member] for member in value_of), default=0)
    return [value_of.get(member_of[number], none) for number in range(1, last + 1)]


def _by_member(member_of: Mapping[int, T], values: Iterable[Number]) -> tuple[tuple[T, Number], ...]:
    return tuple(
        (member_of[number], value)
        for number, value in enumerate(values, start=1)
        if value and number in member_of
    )


def _pool_to(pool: PoolSnapshot) -> pb.Pool:
    steps, before = [], 0
    for thousandths, _ in pool.bins:
        steps.append(thousandths - before)
        before = thousandths
    return pb.Pool(total=pool.total, steps=steps, counts=[count for _, count in pool.bins])


def _pool_from(message: pb.Pool) -> PoolSnapshot:
    bins, thousandths = [], 0
    for step, count in zip(message.steps, message.counts, strict=True):
        thousandths += step
        bins.append((thousandths, count))
    if thousandths > THOUSAND:
        raise ValueError("a quality is greater than 1")
    return PoolSnapshot(message.total, tuple(bins))


def _reporter_to(reporter: ReporterSnapshot) -> pb.Reporter:
    return pb.Reporter(
        band=interface.QUALITY_BAND_UNSPECIFIED if reporter.band is None else numbers.BANDS[reporter.band],
        causes=[
            pb.CauseSince(kind=numbers.CAUSES[kind], since_s=since_s)
            for kind, since_s in reporter.causes_since_s
        ],
        poor_s=reporter.poor_s,
        frames_shed=reporter.frames_shed,
        shed_told_age_s=reporter.shed_told_age_s,
    )


def _reporter_from(message: pb.Reporter) -> ReporterSnapshot:
    return ReporterSnapshot(
        band=numbers.BAND_OF.get(message.band),
        causes_since_s=tuple(
            (numbers.CAUSE_OF[cause.kind], cause.since_s)
            for cause in message.causes
            if cause.kind in numbers.CAUSE_OF
        ),
        poor_s=message.poor_s,
        frames_shed=message.frames_shed,
        shed_told_age_s=optional(message, "shed_told_age_s"),
    )
