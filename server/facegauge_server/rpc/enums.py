"""Enum values match by name: FRAME_RESULT_NO_FACE is FrameResult.NO_FACE, in JSON and labels `no_face`."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

__all__ = ["member", "number"]

E = TypeVar("E", bound=enum.StrEnum)
N = TypeVar("N", bound=int)


def number(value_of: Callable[[str], N], prefix: str, ours: enum.StrEnum) -> N:
    """Return the number of the protobuf enum value with the name of our member."""
    return value_of(prefix + ours.name)


def member(members: type[E], name_of: Callable[[N], str], prefix: str, value: N) -> E | None:
    """Return our member for a protobuf enum's number; None for 0 and for numbers we do not know."""
    try:
        return members[name_of(value).removeprefix(prefix)]
    except (ValueError, KeyError):
        return None
