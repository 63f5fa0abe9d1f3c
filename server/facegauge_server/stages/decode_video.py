"""Units of coded video -> pictures: the decoder of one stream, with what it has been through.

FFmpeg's decoders by way of PyAV, one context a stream with one thread, AV1 by dav1d. A unit that fails ends
the chain: FFmpeg would go on and show what it makes of the rest, which nobody has sent. Only the picture that
is picked is converted to RGB.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av

from facegauge_server.coded_types import DecodedRun, Pick, Unit, UnitOutcome, UnitRun
from facegauge_server.errors import BadFrame
from facegauge_server.frame_size import check_size
from facegauge_server.types import Encoding

__all__ = ["Picture", "VideoDecoder"]

DECODERS = {Encoding.H264: "h264", Encoding.VP8: "vp8", Encoding.VP9: "vp9", Encoding.AV1: "libdav1d"}
MAX_RESOLUTION_CHANGES = 4
"""Within a second. A call changes it some times a minute; each change frees and takes all memory."""
CHANGES_WITHIN_S = 1.0
MAX_RUN_S = 0.5
"""Processor time of one run; it would have been 16 units of a call, in 30 ms."""
HELD_PICTURES = 12
"""Pictures that a decoder may hold: references, those to be reordered, and the one at work."""
KEPT_TIMES = 256


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it came out of the decoder."""

    sequence: int
    capture_time_s: float
    frame: av.VideoFrame


class VideoDecoder:
    """Decodes one stream. Not thread-safe."""

    def __init__(self, max_pixels: int, max_side: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a decoder that waits for a unit to start with.

        Args:
            max_pixels: of width times height.
            max_side: of width and of height, pixels.
            clock: monotonic time, seconds.
        """
        self._clock = clock
        self._max_pixels = max_pixels
        self._max_side = max_side
        self._context: av.VideoCodecContext | None = None
        self._size = (0, 0)
        self._changed_s: deque[float] = deque(maxlen=MAX_RESOLUTION_CHANGES)
        self._times: dict[int, tuple[int, float]] = {}
        self._next_pts = 0
        self._pictures: deque[Picture] = deque()
        self._keeps_one = False
        """Whether a picture gives way to a newer one at once: FFmpeg's pool keeps what a run once held."""
        self._skipped = 0

    @property
    def held_bytes(self) -> int:
        """Estimate of the memory that its pictures take."""
        return self._size[0] * self._size[1] * 3 // 2 * HELD_PICTURES if self._context else 0

    def decode(self, run: UnitRun) -> tuple[DecodedRun, Picture | None]:
        """Decode units that follow those of the last run, and pick a picture."""
        outcomes: list[UnitOutcome] = []
        fault = ""
        self._keeps_one, self._skipped = run.pick is not Pick.DUE, 0
        started_s = time.thread_time()
        for unit in run.units:
            if unit.starts or (fault and unit.is_key):
                self._open(unit.frame.encoding)
            if self._context is None:
                outcomes.append(UnitOutcome.NOT_DECODED)
                continue
            try:
                if time.thread_time() - started_s > MAX_RUN_S:
                    raise BadFrame(f"decoding {len(outcomes)} units took longer than {MAX_RUN_S:g} s")
                self._decode(unit)
            except BadFrame as error:
                self.forget()
                fault = fault or f"unit {unit.frame.sequence}: {error}"
                outcomes.append(UnitOutcome.FAILED)
            else:
                outcomes.append(UnitOutcome.DECODED)
        if run.ends:
            self._flush()
        picture, skipped = self._pick(run)
        if picture is not None and picture.capture_time_s < run.after_s:
            fault = fault or (
                f"capture_time_s went back from {run.after_s:g} to {picture.capture_time_s:g}: "
                "pictures are captured in the order in which they are shown"
            )
            picture = None
        decoded = DecodedRun(
            tuple(outcomes),
            None if picture is None else (picture.sequence, picture.capture_time_s),
            skipped,
            len(self._pictures),
            fault,
            is_broken=self._context is None and not run.ends,
        )
        return decoded, picture

    def forget(self) -> None:
        """Free the decoder; the next unit must start it."""
        self._context = None
        self._times.clear()

    def _open(self, encoding: Encoding) -> None:
        context = av.CodecContext.create(DECODERS[encoding], "r")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - narrows: all of them are
        context.thread_count = 1
        context.options = {"max_pixels": str(self._max_pixels)}
        self._context = context
        self._times.clear()

    def _decode(self, unit: Unit) -> None:
        assert self._context is not None  # noqa: S101 - the caller has looked
        frame = unit.frame
        if unit.is_key:
            self._check_changes()
        packet = av.Packet(frame.data)
        packet.pts = packet.dts = self._next_pts
        self._times[self._next_pts] = (frame.sequence, frame.capture_time_s)
        self._next_pts += 1
        if len(self._times) > KEPT_TIMES:
            del self._times[next(iter(self._times))]
        try:
            for picture in self._context.decode(packet):
                self._take(picture)
        except av.FFmpegError as error:
            raise BadFrame(_why(error, unit, self._max_pixels)) from error

    def _flush(self) -> None:
        if self._context is not None:
            try:
                for picture in self._context.decode(None):
                    self._take(picture)
            except (av.FFmpegError, BadFrame):
                pass  # what was left of a chain that nobody goes on with
            self.forget()

    def _take(self, picture: av.VideoFrame) -> None:
        if picture.is_corrupt:
            raise BadFrame("it is damaged, or depends on one that is missing: send a keyframe")
        size = (picture.width, picture.height)
        if size != self._size:
            check_size(*size, self._max_pixels, self._max_side)
            if self._size != (0, 0):
                self._check_changes()
                self._changed_s.append(self._clock())
            self._size = size
        known = self._times.pop(-1 if picture.pts is None else picture.pts, None)
        if self._keeps_one and self._pictures:
            self._skipped += len(self._pictures)
            self._pictures.clear()
        if known is not None:
            self._pictures.append(Picture(*known, picture))

    def _check_changes(self) -> None:
        """Raise BadFrame for what comes too soon after many changes of the resolution."""
        is_full = len(self._changed_s) == MAX_RESOLUTION_CHANGES
        if is_full and self._clock() - self._changed_s[0] < CHANGES_WITHIN_S:
            raise BadFrame(
                f"the resolution changed {MAX_RESOLUTION_CHANGES} times within {CHANGES_WITHIN_S:g} s: "
                "hold it for longer"
            )

    def _pick(self, run: UnitRun) -> tuple[Picture | None, int]:
        """Return the picture to score, and how many that came out are skipped for it."""
        pictures, skipped = self._pictures, self._skipped
        if run.pick is Pick.DUE:
            while pictures and pictures[0].capture_time_s < run.due_s:
                pictures.popleft()
                skipped += 1
            return (pictures.popleft() if pictures else None), skipped
        newest = pictures[-1] if pictures and run.pick is Pick.NEWEST else None
        skipped += len(pictures) - (newest is not None)
        pictures.clear()
        return newest, skipped


def _why(error: av.FFmpegError, unit: Unit, max_pixels: int) -> str:
    name = unit.frame.encoding.name
    if isinstance(error, MemoryError):
        return "its decoder needs more memory than a worker may take: send it smaller"
    if unit.is_key:
        return (
            f"this keyframe cannot be decoded as {name}: it is damaged, of another encoding, or has more "
            f"than {max_pixels} pixels (--max-frame-pixels)"
        )
    return f"it cannot be decoded as {name}: it is damaged, or of another encoding"
