"""Enum values match by name: FRAME_RESULT_NO_FACE is FrameResult.NO_FACE, in JSON and labels `no_face`."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

__all__ = ["members_by_number", "number"]

E = TypeVar("E", bound=enum.StrEnum)
N = TypeVar("N", bound=int)


def number(value_of: Callable[[str], N], prefix: str, ours: enum.StrEnum) -> N:
    """Return the number of the protobuf enum value with the name of our member."""
    return value_of(prefix + ours.name)


def members_by_number(members: type[E], value_of: Callable[[str], int], prefix: str) -> dict[int, E]:
    """Return our members by the protobuf enum's numbers; 0, which is unspecified, has none."""
    return {value_of(prefix + ours.name): ours for ours in members}
