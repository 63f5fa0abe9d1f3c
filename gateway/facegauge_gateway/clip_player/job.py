"""What is to be played, as one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from facegauge_gateway.server_access import ServerAccess

__all__ = ["Job"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One clip, and where to."""

    path: str
    """Where the process finds the file."""
    name: str
    """What people call it."""
    stream_id: str
    call_id: str
    server: ServerAccess
    token: str | None = None
    """Token for the server in place of the gateway's own."""

    def to_line(self) -> bytes:
        """Write the job as JSON."""
        fields = dataclasses.asdict(self)
        return json.dumps(fields, default=str).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Job:
        """Read what `to_line` has written."""
        fields = json.loads(line)
        server = fields.pop("server")
        for name in ("tls_ca", "tls_cert", "tls_key", "token_file"):
            server[name] = server[name] and Path(server[name])
        return cls(server=ServerAccess(**server), **fields)
