"""Rendering of qualities and states in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from facegauge_client.cause_words import cause_words
from facegauge_client.quality_bands import Band, band_of
from facegauge_client.sdk.types import Cause, FaceState, FrameResult, StreamState, Summary

__all__ = [
    "bar",
    "cause_text",
    "is_poor",
    "number",
    "short_state_text",
    "sparkline",
    "state_text",
    "state_times",
    "style_of",
]

LEAST_SHARE = 0.005
"""Share of a stream's time below which a state is left out."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_BAND_STYLES = {Band.GOOD: "green", Band.FAIR: "yellow", Band.MEDIOCRE: "dark_orange", Band.POOR: "red"}

_STATE_STYLES = {
    "scored": "green",
    "low_resolution": "yellow",
    "too_small": "yellow",
    "face_too_small": "yellow",
    "no_face": "yellow",
    "stale": "red",
    "decode_error": "red",
    "error": "red",
}
_SHORT_STATES = {
    "unspecified": "-",
    "low_resolution": "low res",
    "face_too_small": "too small",
    "decode_error": "error",
}


def style_of(quality: float | None) -> str:
    """Return the colour of a quality's band, green to red; dim for None."""
    return "dim" if quality is None else _BAND_STYLES[band_of(quality)]


def is_poor(quality: float | None) -> bool:
    """Whether a quality is in the red band."""
    return quality is not None and band_of(quality) is Band.POOR


def number(quality: float | None) -> Text:
    """Return a quality with two decimals, or a dash."""
    return Text("-" if quality is None else f"{quality:.2f}", style=style_of(quality))


def bar(quality: float | None, width: int) -> Text:
    """Draw a horizontal bar of `width` cells for 0-1; dots show the rest of the scale, as rich.bar cannot."""
    eighths = round((quality or 0.0) * width * 8)
    full, rest = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[rest] if rest else "")
    text = Text(filled, style=style_of(quality))
    text.append("·" * (width - len(filled)), style="dim")
    return text


def cause_text(cause: Cause | None, *, short: bool = False) -> Text:
    """Return a cause with its figure, such as "blur -0.31"; nothing where there is none."""
    if cause is None:
        return Text()
    return Text(cause_words(cause, short=short), style="dark_orange" if cause.is_named else "dim")


def sparkline(qualities: Sequence[float | None], width: int) -> Text:
    """Draw the latest `width` qualities, 0-1 from bottom to top; a gap where there is none."""
    text = Text(" " * max(width - len(qualities), 0))
    for quality in qualities[max(len(qualities) - width, 0) :]:
        if quality is None:
            text.append(" ")
        else:
            level = min(int(quality * len(_HEIGHTS)), len(_HEIGHTS) - 1)
            text.append(_HEIGHTS[level], style=style_of(quality))
    return text


def state_text(state: StreamState | FaceState | FrameResult) -> Text:
    """Return a state in words."""
    return Text(state.value.replace("_", " "), style=_STATE_STYLES.get(state.value, "dim"))


def short_state_text(state: StreamState) -> Text:
    """Return a stream's state in nine cells at most."""
    text = state_text(state)
    return Text(_SHORT_STATES.get(state.value, text.plain), style=text.style)


def state_times(summary: Summary, *, leave_out: Iterable[StreamState] = (StreamState.WAITING,)) -> Text:
    """Return the shares of a stream's time in each state, the longest first."""
    times = [item for item in summary.state_times if item.state not in leave_out]
    total_s = sum(item.seconds for item in times)
    times = [item for item in times if item.seconds > total_s * LEAST_SHARE]
    text = Text()
    for item in sorted(times, key=lambda item: -item.seconds):
        if text:
            text.append(", ")
        text.append_text(state_text(item.state))
        text.append(f" {item.seconds / total_s:.0%}")
    return text
