"""Configuration of one stream, as its client asks for it: a frozen value, valid once built."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facegauge_server.errors import InvalidConfig
from facegauge_server.types import Decode, Delivery, Encoding

__all__ = ["StreamSettings"]

MAX_LABEL_CHARS = 128
MAX_TOKEN_CHARS = 256
MAX_CHECKPOINT_BYTES = 16 * 1024
"""Twice as many as any checkpoint of ours has."""
MAX_SIDE_PX = 65_535
"""The largest that JPEG can declare; what the server decodes is less (--max-frame-side)."""
MIN_MAX_FPS, MAX_FPS = 0.1, 1000.0
"""A lower rate under COMPLETE delivery would hold frames back for longer than any idle timeout."""
MIN_STEADY_FPS = 0.25
MAX_MEDIAN_WINDOW = 31
MAX_TIME_CONSTANT_S = 60.0
MIN_DISPLAY_LINES, MAX_DISPLAY_LINES = 90, 4320


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """One stream's configuration, checked: raises InvalidConfig naming every wrong field."""

    stream_id: str
    call_id: str = ""
    encoding: Encoding = Encoding.JPEG
    width: int = 0
    """Pixels; 0: as each frame says."""
    height: int = 0
    max_fps: float = 0.0
    """Maximum frames per second; 0: the server's limit under LIVE, none under COMPLETE."""
    min_fps: float = 0.0
    """Minimum frames per second scored while a LIVE stream is steady; 0 scores every frame."""
    median_window: int = 5
    """Frames."""
    time_constant_s: float = 2.0
    display_lines: int = 720
    delivery: Delivery = Delivery.LIVE
    decode: Decode = Decode.AUTO
    """Which units of coded video are decoded."""
    resume_token: str = ""
    checkpoint: bytes = b""
    """From another server that had the stream, or from this one; empty for none."""

    def __post_init__(self) -> None:
        violations = {
            "stream_id": _label_fault(self.stream_id, required=True),
            "call_id": _label_fault(self.call_id, required=False),
            "width": _range_fault(self.width, 0, MAX_SIDE_PX),
            "height": _range_fault(self.height, 0, MAX_SIDE_PX),
            "max_fps": _range_fault(self.max_fps, MIN_MAX_FPS, MAX_FPS) if self.max_fps else "",
            "min_fps": _range_fault(self.min_fps, MIN_STEADY_FPS, MAX_FPS) if self.min_fps else "",
            "smoothing.median_window": _range_fault(self.median_window, 1, MAX_MEDIAN_WINDOW)
            or ("" if self.median_window % 2 else f"must be odd, not {self.median_window}"),
            "smoothing.time_constant_s": _range_fault(self.time_constant_s, 0, MAX_TIME_CONSTANT_S),
            "display_lines": _range_fault(self.display_lines, MIN_DISPLAY_LINES, MAX_DISPLAY_LINES),
            "decode": ""
            if self.encoding.is_coded or self.decode is Decode.AUTO
            else f"is for coded video, not for {self.encoding.name}",
            "resume_token": _length_fault(self.resume_token, MAX_TOKEN_CHARS),
            "checkpoint": ""
            if len(self.checkpoint) <= MAX_CHECKPOINT_BYTES
            else f"must have at most {MAX_CHECKPOINT_BYTES} bytes, not {len(self.checkpoint)}",
        }
        faults = {name: fault for name, fault in violations.items() if fault}
        if faults:
            raise InvalidConfig(faults)


def _label_fault(label: str, *, required: bool) -> str:
    if required and not label:
        return "must not be empty"
    if fault := _length_fault(label, MAX_LABEL_CHARS):
        return fault
    if not label.isprintable():
        return "must have printable characters only"
    return ""


def _length_fault(text: str, most: int) -> str:
    return f"must have at most {most} characters, not {len(text)}" if len(text) > most else ""


def _range_fault(value: float, lowest: float, highest: float) -> str:
    if math.isfinite(value) and lowest <= value <= highest:
        return ""
    return f"must be from {lowest:g} to {highest:g}, not {value:g}"
