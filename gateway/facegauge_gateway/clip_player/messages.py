"""What the process tells while it plays: lines of JSON on standard output.

    {"event": "opened"}                                   it is a video or a picture
    {"event": "refused", "error": ...}                    it is none: the end
    {"event": "progress", ...}                            every so often: the fields of `Progress`
    {"event": "failed", "error": ..., "defect": ...}      the end; `defect` is a traceback, or empty
    {"event": "done", ..., "report_bytes": N}             the end, followed by N bytes of HTML

Times are seconds, qualities 0-1, fractions 0-1; what is not known is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["MAX_LINE_BYTES", "MAX_REPORT_BYTES", "Messages", "Progress"]

MAX_LINE_BYTES = 256 * 1024
MAX_REPORT_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a clip is, and what the newest assessment says; the defaults before there is one."""

    fraction: float | None = None
    position_s: float = 0.0
    duration_s: float | None = None
    frames_sent: int = 0
    quality: float | None = None
    state: str = "waiting"
    main_cause: Mapping[str, Any] | None = None


class Messages:
    """Writes them; a line is written whole."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output

    def send(self, event: str, fields: Mapping[str, Any], body: bytes = b"") -> None:
        """Write one message, and what follows it."""
        self._output.write(json.dumps({"event": event, **fields}).encode() + b"\n" + body)
        self._output.flush()
