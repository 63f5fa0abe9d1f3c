"""Causes in words for people, in one place: what is wrong, and never without its figure.

"compression -0.31" says what it costs, the quality that would come back without it;
"freeze 2.4 s (limit 0.5 s)" what was measured, and what that is held against.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_client.sdk.types import Cause, CauseKind

__all__ = ["SHORT_CHARS", "cause_name", "cause_words", "is_worse", "worse_of"]

SHORT_CHARS = 18
"""What a cause in its short form takes at most."""


@dataclass(frozen=True, slots=True)
class _Words:
    short: str
    """Name where there is little room."""
    unit: str = ""
    note: str = ""
    """What the figure is of, where the name does not say."""
    is_worse_below: bool = False
    """Whether the fault is a value at most the limit, rather than at least."""


_WORDS = {
    CauseKind.FREEZE: _Words("freeze", " s"),
    CauseKind.BLACK: _Words("black", "%"),
    CauseKind.COVERED: _Words("covered", "/255", " detail", is_worse_below=True),
    CauseKind.NO_FACE: _Words("no face", " s"),
    CauseKind.FACE_TOO_SMALL: _Words("small face", " px", is_worse_below=True),
    CauseKind.FACE_CUT_OFF: _Words("cut off", " sides", " to the edge", is_worse_below=True),
    CauseKind.LOW_FRAME_RATE: _Words("low rate", " fps", is_worse_below=True),
}
"""Faults of the stream; what a picture lacks has its own name and no unit."""


def cause_name(kind: CauseKind) -> str:
    """Return what a cause is called."""
    return "another cause" if kind is CauseKind.UNSPECIFIED else kind.value.replace("_", " ")


def cause_words(cause: Cause, *, short: bool = False) -> str:
    """Return a cause with its figure; the short form leaves the limit out, and has SHORT_CHARS at most.

    A figure that the server did not send is called unknown: it is no zero.
    """
    is_known = cause.kind is not CauseKind.UNSPECIFIED
    words = _WORDS.get(cause.kind, _Words(cause.kind.value if is_known else "another"))
    name = words.short if short else cause_name(cause.kind)
    if cause.value is not None:
        figure = f"{name} {_figure(cause.value, words.unit)}"
        if short:
            return figure
        limit = "" if cause.threshold is None else f" (limit {_figure(cause.threshold, words.unit)})"
        return f"{figure}{words.note}{limit}"
    return f"{name} {'?' if cause.cost is None else f'-{cause.cost:.2f}'}"


def is_worse(cause: Cause, other: Cause) -> bool:
    """Return whether a cause is worse than another one of its kind, by its value or else its cost."""
    if cause.value is None or other.value is None:
        return (cause.cost or 0.0) > (other.cost or 0.0)
    words = _WORDS.get(cause.kind)
    is_worse_below = words is not None and words.is_worse_below
    return cause.value < other.value if is_worse_below else cause.value > other.value


def worse_of(cause: Cause, other: Cause) -> Cause:
    """Return the worse of two causes of one kind; the second where neither is worse."""
    return cause if is_worse(cause, other) else other


def _figure(value: float, unit: str) -> str:
    """Write a value with two decimals below 1, one below 10 and none from there on, as far as they count."""
    if unit == "%":
        value *= 100
    decimals = 2 if abs(value) < 1 else 1 if abs(value) < 10 else 0
    return f"{round(value, decimals) + 0.0:g}{unit}"
