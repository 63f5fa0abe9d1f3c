"""What the server and a worker say to each other: one packet each way for a frame.

The server reads replies with an unpickler that makes nothing but this project's frozen values: a worker that
a picture has taken over must not reach the server through its reply. A stream's tracker travels as bytes
that only workers open.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from typing import Any

from facegauge_server.coded_types import DecodedRun, Pick, Unit, UnitRun
from facegauge_server.snapshots import TrackerSnapshot
from facegauge_server.types import EncodedFrame, Encoding, FaceBox, FrameScore, View

__all__ = [
    "MAX_PACKET_BYTES",
    "BadReply",
    "Forget",
    "Order",
    "Ready",
    "Refused",
    "Reply",
    "Request",
    "RunRequest",
    "StageFailed",
    "Worked",
    "encode",
    "read_reply",
    "read_request",
]

MAX_PACKET_BYTES = 160 * 1024
"""Less than what a socket takes at once (208 KiB by default); a request has some 3 kB."""


class BadReply(Exception):
    """A worker has said something that no worker says."""


@dataclass(frozen=True, slots=True)
class Request:
    """A frame to work on, whose bytes lie in the shared memory."""

    sequence: int
    capture_time_s: float
    encoding: Encoding
    width: int
    height: int
    data_bytes: int
    tracker: bytes
    display_lines: int

    @classmethod
    def of(cls, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Request:
        """Describe a frame without its bytes."""
        return cls(
            frame.sequence,
            frame.capture_time_s,
            frame.encoding,
            frame.width,
            frame.height,
            len(frame.data),
            tracker,
            display_lines,
        )

    def frame(self, data: bytes) -> EncodedFrame:
        """Return the frame with its bytes."""
        return EncodedFrame(self.sequence, self.capture_time_s, self.encoding, data, self.width, self.height)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Units of coded video to decode, whose bytes lie one after the other in the shared memory."""

    units: tuple[tuple[int, float, Encoding, int, bool, bool], ...]
    """Sequence, capture time, encoding, bytes, is_key and starts of each."""
    pick: Pick
    due_s: float
    after_s: float
    ends: bool
    decoder: int
    tracker: bytes
    display_lines: int

    @classmethod
    def of(cls, run: UnitRun, decoder: int, tracker: bytes, display_lines: int) -> RunRequest:
        """Describe a run without its bytes."""
        units = tuple(
            (frame.sequence, frame.capture_time_s, frame.encoding, len(frame.data), unit.is_key, unit.starts)
            for unit in run.units
            for frame in (unit.frame,)
        )
        return cls(units, run.pick, run.due_s, run.after_s, run.ends, decoder, tracker, display_lines)

    @property
    def data_bytes(self) -> int:
        """Size of all units together."""
        return sum(unit[3] for unit in self.units)

    def run(self, data: bytes) -> UnitRun:
        """Return the run with its bytes."""
        units, start = [], 0
        for sequence, capture_time_s, encoding, size, is_key, starts in self.units:
            frame = EncodedFrame(sequence, capture_time_s, encoding, data[start : start + size])
            units.append(Unit(frame, is_key, starts))
            start += size
        return UnitRun(tuple(units), self.pick, self.due_s, self.after_s, self.ends)


@dataclass(frozen=True, slots=True)
class Forget:
    """A stream has ended: its decoder is not needed any more. Has no reply."""

    decoder: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes frames from now on."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of a frame: its scores, or crops in the shared memory for an engine that takes batches."""

    tracker: bytes
    """The stream's tracker after this frame."""
    score: FrameScore | None
    cropped: tuple[FaceBox, ...] = ()
    """Faces whose crops lie in the shared memory one after the other, where there is no score."""
    too_small: tuple[FaceBox, ...] = ()
    stage_times_s: tuple[tuple[str, float], ...] = ()
    crop_pixels: bytes = field(default=b"", repr=False)
    """Added by the server: uint8, (crops, height, width, 3)."""
    decoded: DecodedRun | None = None
    """What became of the units of coded video."""
    view: View | None = None
    """What the frame shows as a whole, where there is no score."""
    waited_s: float = 0.0
    """Added by the server: how long the frame waited for a worker."""
    snapshot: TrackerSnapshot | None = None
    """What the tracker holds without its pictures; None where it is as it was."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The frame cannot be used; says why, in words for whoever sent it."""

    why: str


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A stage raised what it must not raise: our bug."""

    error: str
    trace: str


Order = Request | RunRequest | Forget
Reply = Ready | Worked | Refused | StageFailed

_ALLOWED_MODULES = (
    "facegauge_server.coded_types",
    "facegauge_server.kinds",
    "facegauge_server.snapshots",
    "facegauge_server.types",
    "facegauge_server.workers.messages",
)


class _ReplyReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module not in _ALLOWED_MODULES or "." in name or name.startswith("_"):
            raise BadReply(f"a reply names {module}.{name}")
        found = super().find_class(module, name)
        if not (isinstance(found, type) and found.__module__ == module):
            raise BadReply(f"a reply names {module}.{name}")
        return found


def encode(message: Order | Reply) -> bytes:
    """Return a message as a packet."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def read_request(packet: bytes) -> Order:
    """Return what `encode` made of an order; the server is trusted."""
    request: Order = pickle.loads(packet)  # noqa: S301 - only the server writes here
    return request


def read_reply(packet: bytes | memoryview) -> Reply:
    """Return what `encode` made of a reply; raises BadReply for anything else."""
    try:
        reply = _ReplyReader(io.BytesIO(packet)).load()
    except BadReply:
        raise
    except Exception as error:  # damaged pickles raise nearly anything
        raise BadReply(f"a reply cannot be read: {error!r}") from error
    if not isinstance(reply, Reply):
        raise BadReply(f"a reply is a {type(reply).__name__}")
    return reply
