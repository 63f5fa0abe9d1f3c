"""Settings of the WHIP door."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.whip_door.camera import CameraLimits

__all__ = ["PUBLISH_TOKENS_FLAG", "WhipSettings"]

PUBLISH_TOKENS_FLAG = "--publish-tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhipSettings:
    """Who may publish, and how much."""

    stream: StreamSettings
    """Defaults of every stream; its id and call are the publisher's."""
    is_loopback: bool = True
    """Whether only this machine can reach the door."""
    insecure: bool = False
    publish_tokens: Path | None = None
    """File of bearer tokens, any of which may publish."""
    forward_tokens: bool = False
    """Whether the publisher's token is shown to the server, which then decides."""
    max_sessions: int = 32
    max_sessions_per_address: int = 8
    connect_timeout_s: float = 15.0
    """Time that a publisher has from its offer to its first picture."""
    idle_timeout_s: float = 10.0
    """Silence of its camera after which a publisher is let go."""
    camera: CameraLimits = field(default_factory=CameraLimits)

    def __post_init__(self) -> None:
        if self.publish_tokens is not None and self.forward_tokens:
            raise BadConfiguration(f"{PUBLISH_TOKENS_FLAG} and --forward-tokens exclude each other")
        if not (self.is_loopback or self.insecure or self.publish_tokens or self.forward_tokens):
            raise BadConfiguration(
                f"anyone who reaches --http-listen could publish: give {PUBLISH_TOKENS_FLAG} or"
                " --forward-tokens, or --insecure where something else guards it"
            )
