"""The caller's place in a trace, as the header `traceparent` tells it (W3C Trace Context, version 00)."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["HEADER", "TraceParent"]

HEADER = "traceparent"
FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The span in which a caller called."""

    trace_id: int
    span_id: int
    is_sampled: bool
    """Whether the caller traces it."""

    @property
    def trace_id_hex(self) -> str:
        """The trace's id as logs and trace stores write it."""
        return f"{self.trace_id:032x}"

    @classmethod
    def parse(cls, text: str) -> TraceParent | None:
        """Read a header; None where it is none, as the standard wants: a bad one is as good as absent."""
        found = FORM.fullmatch(text)
        if found is None or (found[4] and text.startswith("00")):
            return None
        trace_id, span_id = int(found[1], 16), int(found[2], 16)
        if not (trace_id and span_id):
            return None
        return cls(trace_id, span_id, bool(int(found[3], 16) & 1))
