"""Configuration of the server: frozen values, valid once built. Every flag is defined here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from facegauge_server.errors import BadConfiguration
from facegauge_server.loopback import is_loopback
from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.setting import check_bounds, setting
from facegauge_server.stream_settings import StreamSettings
from facegauge_server.tracing.settings import Tracing

__all__ = ["Address", "Config", "Limits", "StreamSettings", "Tls"]

NETWORK, SCORING, EVENTS, TIMES, LIMITS = "Network", "Scoring", "Events", "Times", "Limits"


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
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the server's certificate and key, and the CA that client certificates must come from."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that protect the server; every refusal names the flag that moves the bound."""

    max_streams: int = setting(LIMITS, "Maximum live streams.", 256, above=0)
    max_tenant_streams: int = setting(
        LIMITS, "Maximum live streams of one tenant, where callers are identified.", 128, above=0
    )
    max_exported_streams: int = setting(
        LIMITS,
        "Maximum live streams with Prometheus series of their own; an alert fires where there are more. 0 "
        "exports none, and no alert.",
        200,
        at_least=0,
    )
    max_message_bytes: int = setting(
        LIMITS, "Maximum encoded frame size, bytes.", 16 * 1024 * 1024, above=0, metavar="BYTES"
    )
    max_frame_pixels: int = setting(
        LIMITS, "Maximum decoded frame size, width times height.", 4096 * 2304, above=0, metavar="PIXELS"
    )
    max_frame_side: int = setting(
        LIMITS, "Maximum width and height of a frame, pixels.", 8192, above=0, metavar="PIXELS"
    )
    max_unit_bytes: int = setting(
        LIMITS, "Maximum size of one unit of coded video, bytes.", 2 * 1024 * 1024, above=0, metavar="BYTES"
    )
    max_decoder_bytes: int = setting(
        LIMITS,
        "Maximum memory of all decoders of coded video in one worker, bytes, at 12 pictures for each.",
        2 * 1024**3,
        above=0,
        metavar="BYTES",
    )
    max_stream_fps: float = setting(
        LIMITS, "Maximum frames per second of one live stream.", 60.0, above=0, metavar="FPS"
    )
    max_tenant_fps: float = setting(
        LIMITS,
        "Maximum frames per second scored of all streams and pictures of one tenant, where callers are "
        "identified; 0 sets no limit.",
        0.0,
        at_least=0,
        metavar="FPS",
    )
    max_faces: int = setting(LIMITS, "Maximum faces scored in one frame, the largest first.", 8, above=0)
    max_worker_wait_s: float = setting(
        LIMITS,
        "Refuse new live streams while frames wait longer than this for a worker, mean in seconds.",
        0.25,
        above=0,
        metavar="SECONDS",
    )
    max_frame_memory_bytes: int = setting(
        LIMITS,
        "Maximum bytes of frames in memory, of all streams together, and again of messages that have not "
        "arrived whole; beyond, streams of large frames wait, and connections with unfinished messages end.",
        256 * 1024 * 1024,
        above=0,
        metavar="BYTES",
    )
    max_connections: int = setting(
        LIMITS, "Maximum connections; one beyond is closed as it is accepted.", 512, above=0
    )
    max_images: int = setting(LIMITS, "Maximum concurrent AssessImage calls.", 32, above=0)

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that the server needs to know to start."""

    listen: Address = setting(  # noqa: RUF009 - it returns a field
        NETWORK, "Address that gRPC listens on.", Address("127.0.0.1", 50051), metavar="HOST:PORT"
    )
    metrics_listen: Address = setting(  # noqa: RUF009 - it returns a field
        NETWORK, "Address that /metrics is served on.", Address("127.0.0.1", 9464), metavar="HOST:PORT"
    )
    tls: Tls | None = None
    insecure: bool = setting(
        NETWORK, "Allow listening beyond loopback without TLS or without identifying callers.", False
    )
    auth_keys: Path | None = setting(  # noqa: RUF009 - it returns a field
        NETWORK,
        "JSON Web Key Set that callers' tokens are verified with; without it, callers beyond loopback need a "
        "client certificate (--tls-client-ca) or --insecure.",
        metavar="FILE",
    )
    checkpoint_keys: Path | None = setting(  # noqa: RUF009 - it returns a field
        NETWORK,
        "JSON Web Key Set that checkpoints of streams are sealed with, the same for all replicas; without it "
        "a server opens only its own.",
        metavar="FILE",
    )
    metrics_token_file: Path | None = setting(  # noqa: RUF009 - it returns a field
        NETWORK, "Tokens that open /metrics, one a line; needs --tls-cert beyond loopback.", metavar="FILE"
    )
    metrics_insecure: bool = setting(
        NETWORK, "Allow serving /metrics beyond loopback without TLS and a token.", False
    )
    engine: str = setting(
        SCORING,
        "Inference engine; auto takes torch where it is installed and sees a GPU, else OpenVINO.",
        "auto",
        choices=("auto", "openvino", "torch"),
    )
    model: str = setting(
        SCORING, "Student network: the name of a shipped one or a folder.", "default", metavar="NAME|PATH"
    )
    precision: str = setting(
        SCORING,
        "Arithmetic of the student; auto takes the fastest that moves no score by more than 0.01.",
        "auto",
        choices=("auto", "f32", "bf16", "f16"),
    )
    cause_threshold: float = setting(
        SCORING,
        "Quality that a cause must cost at least to be named as what is wrong, 0-1.",
        0.1,
        above=0,
        metavar="QUALITY",
    )
    calibration: Path | None = setting(  # noqa: RUF009 - it returns a field
        SCORING,
        "File of `facegauge calibrate`, by which mean opinion scores are estimated beside the quality.",
        metavar="FILE",
    )
    workers: int = setting(
        SCORING,
        "Processes that decode frames, find faces and, on a CPU, score them.  [default: one per core]",
        default_factory=lambda: len(os.sched_getaffinity(0)),
        above=0,
    )
    max_batch: int = setting(SCORING, "Maximum crops in one batch on a GPU.", 16, above=0)
    max_wait_ms: float = setting(
        SCORING,
        "Longest wait of a crop for its batch to fill on a GPU, milliseconds.",
        0.0,
        at_least=0,
        metavar="MS",
    )
    detect_interval_s: float = setting(
        SCORING,
        "Interval between face detections while faces move or none is there, seconds of capture time; "
        "doubled where they move little.",
        0.5,
        at_least=0,
        metavar="SECONDS",
    )
    steady_detect_interval_s: float = setting(
        SCORING,
        "Interval between face detections while every face stays in place, seconds of capture time.",
        2.0,
        at_least=0,
        metavar="SECONDS",
    )
    event_log: int = setting(
        EVENTS,
        "Events kept for watchers that come back (WatchEvents), of all tenants together.",
        4096,
        above=0,
        metavar="EVENTS",
    )
    webhook_url: str | None = setting(
        EVENTS,
        "Address that the events of all tenants are posted to, signed; needs --webhook-secret-file. Without "
        "it, the server opens no connection.",
        metavar="URL",
    )
    webhook_secret_file: Path | None = setting(  # noqa: RUF009 - it returns a field
        EVENTS,
        "Secrets of Standard Webhooks (whsec_ and base64), one a line, each of which signs.",
        metavar="FILE",
    )
    webhook_ca: Path | None = setting(  # noqa: RUF009 - it returns a field
        EVENTS,
        "Certificates that the receiver's must be issued by, PEM; without it, those that the system trusts.",
        metavar="FILE",
    )
    webhook_insecure: bool = setting(EVENTS, "Allow a --webhook-url beyond loopback without TLS.", False)
    webhook_queue: int = setting(
        EVENTS,
        "Events that wait for the webhook's receiver; beyond, the oldest is dropped and counted.",
        1024,
        above=0,
        metavar="EVENTS",
    )
    stale_after_s: float = setting(
        TIMES, "Time without a score after which a stream is stale.", 3.0, above=0, metavar="SECONDS"
    )
    idle_timeout_s: float = setting(
        TIMES, "Time without a frame after which a stream is ended.", 10.0, above=0, metavar="SECONDS"
    )
    send_timeout_s: float = setting(
        TIMES,
        "Time that a client may leave a response unread before its stream is ended.",
        30.0,
        above=0,
        metavar="SECONDS",
    )
    resume_window_s: float = setting(
        TIMES,
        "Time that a stream whose connection broke waits for its client; 0 ends it at once.",
        5.0,
        at_least=0,
        metavar="SECONDS",
    )
    checkpoint_interval_s: float = setting(
        TIMES,
        "Capture time between two checkpoints of a stream, which let another server go on with it, and after "
        "which its faces are searched anew; 0 sends none.",
        2.0,
        at_least=0,
        metavar="SECONDS",
    )
    checkpoint_expiry_s: float = setting(
        TIMES, "Age up to which a checkpoint is taken.", 300.0, above=0, metavar="SECONDS"
    )
    frame_timeout_s: float = setting(
        TIMES,
        "Processor time of a worker that one frame may take before the worker is replaced.",
        2.0,
        above=0,
        metavar="SECONDS",
    )
    drain_grace_s: float = setting(
        TIMES,
        "Time that streams may take to finish after SIGTERM.",
        10.0,
        at_least=0,
        metavar="SECONDS",
    )
    limits: Limits = Limits()
    tracing: Tracing = field(default_factory=Tracing)

    def __post_init__(self) -> None:
        check_bounds(self)
        if not (self.listen.is_loopback or self.insecure):
            self._check_listen()
        if not (self.metrics_listen.is_loopback or self.metrics_insecure) and (
            self.tls is None or self.metrics_token_file is None
        ):
            raise BadConfiguration(
                f"serving /metrics on {self.metrics_listen} would show the ids of streams to anyone: "
                "give --tls-cert, --tls-key and --metrics-token-file, or --metrics-insecure"
            )
        if (self.webhook_url is None) != (self.webhook_secret_file is None):
            raise BadConfiguration("--webhook-url and --webhook-secret-file go together")
        webhook = self.webhook  # raises for an address that events may not go to
        if self.webhook_ca is not None and (webhook is None or not webhook.is_encrypted):
            raise BadConfiguration("--webhook-ca needs a --webhook-url of https")

    @property
    def asks_for_certificates(self) -> bool:
        """Whether clients must present a certificate."""
        return self.tls is not None and self.tls.client_ca is not None

    @property
    def webhook(self) -> OutgoingUrl | None:
        """Where events are posted; None for nowhere."""
        if self.webhook_url is None:
            return None
        return OutgoingUrl.parse(
            self.webhook_url, "--webhook-url", "--webhook-insecure", insecure=self.webhook_insecure
        )

    def _check_listen(self) -> None:
        """Raise BadConfiguration unless callers from other machines are encrypted and identified."""
        if self.tls is None:
            raise BadConfiguration(
                f"listening on {self.listen} would take faces over the network in clear: "
                "give --tls-cert and --tls-key, or --insecure where something else encrypts"
            )
        if self.auth_keys is None and self.tls.client_ca is None:
            raise BadConfiguration(
                f"listening on {self.listen} would let anyone list and publish streams: give --auth-keys or "
                "--tls-client-ca, or --insecure where something else authenticates"
            )
