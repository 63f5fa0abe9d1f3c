"""Timed frames from files: anything that FFmpeg opens, and folders of pictures."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from facegauge_client.sdk.errors import VideoError
from facegauge_client.sdk.frames import Picture, VideoPacket
from facegauge_client.sdk.packets import capture_time_of, encoding_of
from facegauge_client.sdk.types import FrameEncoding

__all__ = ["Source", "TimedFrame", "open_source", "read_picture"]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
DEFAULT_PICTURES_PER_S = 25.0
DEFAULT_VIDEO_FPS = 25.0
"""Assumed where a container gives neither times nor a rate."""

_EXIF_WITHIN = 64 * 1024
_TEXT_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""FFmpeg draws any text file as a terminal; that is no video to us."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture and its capture time in seconds on the file's clock, which never goes back here."""

    capture_time_s: float
    picture: Picture


class Source(ABC):
    """A file or folder that plays as one stream. Opening it raises VideoError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.duration_s: float | None = None
        """Duration where it is known before the end."""
        self.encoding: FrameEncoding | None = None
        """Encoding of coded video; None where pictures come."""
        self.broken = 0
        """Packets or pictures so far that could not be read; the rest goes on."""

    @abstractmethod
    def frames(self) -> Iterator[TimedFrame]:
        """Decode, in the order of capture; closes the file at the end."""


def open_source(path: Path, fps: float | None, *, coded: bool = False) -> Source:
    """Open a file or a folder of pictures; `coded` leaves a video's packets as they are, every one of them.

    `fps` samples a video at so many frames a second (None: every frame), and is the rate at which the
    pictures of a folder were taken (None: 25). Raises VideoError with one sentence.
    """
    if path.is_dir():
        if coded:
            raise VideoError(f"{path}: a folder of pictures is no coded video")
        return _Folder(path, fps or DEFAULT_PICTURES_PER_S)
    if not path.exists():
        raise VideoError(f"{path}: there is no such file")
    return _CodedVideo(path) if coded else _Video(path, fps)


def read_picture(path: Path) -> Picture:
    """Read a picture: JPEG, PNG and WebP as their bytes, what else OpenCV reads as RGB; raises VideoError.

    A photograph that its EXIF turns is decoded and turned upright here, for the server ignores EXIF.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}") from error
    is_passed_on = data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or data[8:12] == b"WEBP"
    if is_passed_on and b"Exif" not in data[:_EXIF_WITHIN]:
        return data
    encoded = np.frombuffer(data, np.uint8)
    pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if data else None
    if is_passed_on:
        raw = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None or raw is None or np.array_equal(pixels, raw):
            return data
    if pixels is None:
        raise VideoError(f"{path}: not a picture that can be read; use JPEG, PNG, WebP, BMP or TIFF")
    return np.asarray(pixels, dtype=np.uint8)


class _Folder(Source):
    """The pictures of a folder in the order of the numbers in their names."""

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__(path)
        self._fps = fps
        try:
            found = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
        except OSError as error:
            raise VideoError(f"{path}: {error.strerror or error}") from error
        self._pictures = sorted(found, key=_natural_order)
        if not self._pictures:
            suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
            raise VideoError(f"{path}: this folder has no pictures ({suffixes})")
        self.duration_s = len(self._pictures) / fps

    def frames(self) -> Iterator[TimedFrame]:
        for number, file in enumerate(self._pictures):
            try:
                yield TimedFrame(number / self._fps, read_picture(file))
            except VideoError:
                self.broken += 1


def _natural_order(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


class _Video(Source):
    def __init__(self, path: Path, fps: float | None) -> None:
        super().__init__(path)
        self._fps = fps
        try:
            self._container = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"{path}: not a video that FFmpeg can read ({_reason(error)})") from error
        streams = [
            stream
            for stream in self._container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams or self._container.format.name in _TEXT_FORMATS:
            self._container.close()
            raise VideoError(f"{path}: there is no video in this file")
        self._stream = streams[0]
        if self._container.duration is not None:
            self.duration_s = self._container.duration / av.time_base
        rate = self._stream.average_rate or self._stream.guessed_rate
        self._frame_s = 1.0 / float(rate) if rate else 1.0 / DEFAULT_VIDEO_FPS

    def frames(self) -> Iterator[TimedFrame]:
        clock = _Clock(self._frame_s)
        sampler = _Sampler(self._fps)
        with self._container:
            for frame in self._decode():
                time_s = clock.time_of(frame.time)
                if sampler.takes(time_s):
                    yield TimedFrame(time_s, frame)

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self.broken += 1
                return
            try:
                yield from (frame for frame in packet.decode() if isinstance(frame, av.VideoFrame))
            except av.FFmpegError:
                self.broken += 1


class _CodedVideo(_Video):
    def __init__(self, path: Path) -> None:
        super().__init__(path, None)
        try:
            self.encoding = encoding_of(self._stream)
        except ValueError as error:
            self._container.close()
            raise VideoError(f"{path}: {error}") from error

    def frames(self) -> Iterator[TimedFrame]:
        with self._container:
            packets = self._container.demux(self._stream)
            number = 0
            while (packet := self._next(packets)) is not None:
                if not packet.size:
                    continue
                time_s = capture_time_of(packet)
                yield TimedFrame(number * self._frame_s if time_s is None else time_s, packet)
                number += 1

    def _next(self, packets: Iterator[VideoPacket]) -> VideoPacket | None:
        try:
            return next(packets, None)
        except av.FFmpegError:
            self.broken += 1
            return None


class _Clock:
    """Times that only go forward, from times that may be missing or start over."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._shift_s = 0.0
        self._last_s: float | None = None

    def time_of(self, time_s: float | None) -> float:
        if time_s is None:
            time_s = 0.0 if self._last_s is None else self._last_s + self._frame_s
        else:
            time_s += self._shift_s
        if self._last_s is not None and time_s <= self._last_s:
            expected_s = self._last_s + self._frame_s
            self._shift_s += expected_s - time_s
            time_s = expected_s
        self._last_s = time_s
        return time_s


class _Sampler:
    """Takes frames at a rate, on a grid that begins with the first frame."""

    def __init__(self, fps: float | None) -> None:
        self._interval_s = 1.0 / fps if fps else 0.0
        self._due_s: float | None = None

    def takes(self, time_s: float) -> bool:
        if not self._interval_s:
            return True
        if self._due_s is None:
            self._due_s = time_s
        behind = (time_s - self._due_s) / self._interval_s
        if behind < -1e-6:
            return False
        self._due_s += self._interval_s * (math.floor(behind + 1e-6) + 1)
        return True


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
