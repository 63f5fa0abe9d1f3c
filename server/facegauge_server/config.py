"""What the operator asks of the server and a client of its stream: frozen values, valid once built."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from facegauge_server.errors import BadConfiguration, InvalidConfig
from facegauge_server.types import Delivery, Encoding

__all__ = ["Address", "Config", "Limits", "StreamSettings", "Tls"]

MAX_LABEL_CHARS = 128
MAX_MEDIAN_WINDOW = 31
MAX_TIME_CONSTANT_S = 60.0
MIN_STEADY_FPS = 0.25
MIN_DISPLAY_LINES, MAX_DISPLAY_LINES = 90, 4320


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, flag: str) -> Address:
        """Read `HOST:PORT`, IPv6 hosts in brackets; raises BadConfiguration, which names the flag."""
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise BadConfiguration(f"{flag} wants HOST:PORT with a port from 0 to 65535, not {text!r}")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the server's certificate and key in PEM, and of the CA that clients must show one of."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that protect the server; every refusal names the flag that moves the bound."""

    max_streams: int = 256
    """Live streams at once (--max-streams)."""
    max_exported_streams: int = 512
    """Live streams that get series of their own (--max-exported-streams)."""
    max_message_bytes: int = 16 * 1024 * 1024
    """Bytes of one frame (--max-message-bytes)."""
    max_frame_pixels: int = 4096 * 2304
    """Pixels of one decoded frame (--max-frame-pixels)."""
    max_stream_fps: float = 60.0
    """Frames a second taken from one live stream (--max-stream-fps)."""
    max_faces: int = 8
    """Faces scored in one frame, the largest first (--max-faces)."""
    max_worker_wait_s: float = 0.25
    """Mean wait for a worker beyond which no new live stream is taken (--max-worker-wait)."""
    max_images: int = 32
    """AssessImage calls at work at once (--max-images)."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise BadConfiguration(f"--{_flag(name)} must be greater than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that the server needs to know to start."""

    listen: Address = Address("127.0.0.1", 50051)
    metrics_listen: Address = Address("127.0.0.1", 9464)
    tls: Tls | None = None
    insecure: bool = False
    """Allows listening beyond loopback without TLS."""
    engine: str = "auto"
    model: str = "default"
    precision: str = "auto"
    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Processes that decode, find faces and, on a CPU, score them."""
    max_batch: int = 16
    """Crops in one call of an engine that gains from batches."""
    max_wait_ms: float = 0.0
    """How long a crop may wait for others to fill its batch, on a GPU."""
    detect_interval_s: float = 0.5
    """Capture time between two detections while faces move or none is there; twice where they move little."""
    steady_detect_interval_s: float = 2.0
    """Capture time between them while every face stays where it is."""
    stale_after_s: float = 3.0
    """Server time without a score after which a stream has no quality."""
    idle_timeout_s: float = 10.0
    """Server time without a frame after which a stream is ended."""
    send_timeout_s: float = 30.0
    """Server time that a client may leave a response unread, under COMPLETE delivery."""
    resume_window_s: float = 5.0
    """Server time for which a stream whose connection broke waits for its resume token."""
    frame_timeout_s: float = 2.0
    """Processor time that one frame may take of a worker; a worker at it for longer is replaced."""
    drain_grace_s: float = 10.0
    """Server time that streams get to finish after SIGTERM."""
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not self.listen.is_loopback and self.tls is None and not self.insecure:
            raise BadConfiguration(
                f"listening on {self.listen} would take faces over the network in clear: "
                "give --tls-cert and --tls-key, or --insecure where something else encrypts"
            )
        for name in (
            "workers",
            "max_batch",
            "stale_after_s",
            "idle_timeout_s",
            "send_timeout_s",
            "frame_timeout_s",
        ):
            if not getattr(self, name) > 0:
                raise BadConfiguration(f"--{_flag(name)} must be greater than 0")
        for name in (
            "max_wait_ms",
            "detect_interval_s",
            "steady_detect_interval_s",
            "resume_window_s",
            "drain_grace_s",
        ):
            if not getattr(self, name) >= 0:
                raise BadConfiguration(f"--{_flag(name)} must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What a client asks of its stream, checked: raises InvalidConfig naming every wrong field."""

    stream_id: str
    call_id: str = ""
    encoding: Encoding = Encoding.JPEG
    width: int = 0
    height: int = 0
    max_fps: float = 0.0
    """Frames a second taken at most; 0: the server's limit under LIVE, none under COMPLETE."""
    min_fps: float = 0.0
    """Frames a second scored at least while a LIVE stream is steady; 0: every frame is scored."""
    median_window: int = 5
    time_constant_s: float = 2.0
    display_lines: int = 720
    delivery: Delivery = Delivery.LIVE
    resume_token: str = ""

    def __post_init__(self) -> None:
        violations = {
            "stream_id": _label_fault(self.stream_id, required=True),
            "call_id": _label_fault(self.call_id, required=False),
            "max_fps": _range_fault(self.max_fps, 0, 1000),
            "min_fps": _range_fault(self.min_fps, MIN_STEADY_FPS, 1000) if self.min_fps else "",
            "smoothing.median_window": _range_fault(self.median_window, 1, MAX_MEDIAN_WINDOW)
            or ("" if self.median_window % 2 else f"must be odd, not {self.median_window}"),
            "smoothing.time_constant_s": _range_fault(self.time_constant_s, 0, MAX_TIME_CONSTANT_S),
            "display_lines": _range_fault(self.display_lines, MIN_DISPLAY_LINES, MAX_DISPLAY_LINES),
        }
        faults = {name: fault for name, fault in violations.items() if fault}
        if faults:
            raise InvalidConfig(faults)


def _flag(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


def _label_fault(label: str, *, required: bool) -> str:
    if required and not label:
        return "must not be empty"
    if len(label) > MAX_LABEL_CHARS:
        return f"must have at most {MAX_LABEL_CHARS} characters, not {len(label)}"
    if not label.isprintable():
        return "must have printable characters only"
    return ""


def _range_fault(value: float, lowest: float, highest: float) -> str:
    if math.isfinite(value) and lowest <= value <= highest:
        return ""
    return f"must be from {lowest:g} to {highest:g}, not {value:g}"
