"""Our enums and the protobuf ones by name, and what a message may hold."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from facegauge.internal.v1 import checkpoint_pb2 as pb
from facegauge.v1 import quality_pb2 as interface
from facegauge_server.enum_numbers import members_by_number, number
from facegauge_server.kinds import CauseKind, FrameResult, QualityBand, StreamState
from facegauge_server.snapshots import Rule

__all__ = [
    "BANDS",
    "BAND_OF",
    "CAUSES",
    "CAUSE_OF",
    "RESULTS",
    "RESULT_OF",
    "RULES",
    "RULE_OF",
    "STATES",
    "STATE_OF",
    "check_finite",
    "optional",
]

E = TypeVar("E", bound=enum.StrEnum)
N = TypeVar("N", bound=int)


def _pair(members: type[E], value_of: Callable[[str], N], prefix: str) -> tuple[dict[E, N], dict[int, E]]:
    numbers = {member: number(value_of, prefix, member) for member in members}
    return numbers, members_by_number(members, value_of, prefix)


RESULTS, RESULT_OF = _pair(FrameResult, interface.FrameResult.Value, "FRAME_RESULT_")
STATES, STATE_OF = _pair(StreamState, interface.StreamState.Value, "STREAM_STATE_")
CAUSES, CAUSE_OF = _pair(CauseKind, interface.CauseKind.Value, "CAUSE_KIND_")
BANDS, BAND_OF = _pair(QualityBand, interface.QualityBand.Value, "QUALITY_BAND_")
RULES, RULE_OF = _pair(Rule, pb.Rule.Value, "RULE_")


def optional(message: Message, name: str) -> Any:
    """Return a field, None where it is unset."""
    return getattr(message, name) if message.HasField(name) else None


def check_finite(message: Message) -> None:
    """Raise ValueError for a number in a message, or in those within it, that is infinite or none."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                check_finite(one)
            elif isinstance(one, float) and not math.isfinite(one):
                raise ValueError(f"{field.full_name} is {one}")
