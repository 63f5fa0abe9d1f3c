"""The summary of a session: what was played, when and where, and its figures as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facegauge_client.quality_bands import Band
from facegauge_client.report.played import Played, Session, frame_counts
from facegauge_client.report.templates import clock, share
from facegauge_client.report.track import Figures

__all__ = ["session_facts", "session_tiles"]

ALWAYS_SHOWN = ("sent", "scored", "without a face", "dropped", "failed")
NOTHING = "\N{EN DASH}"
"""Shown where a figure does not exist."""


def session_facts(session: Session, played: Sequence[Played]) -> list[tuple[str, str]]:
    """Return the session's facts with their names; a fact may be empty."""
    models = sorted({item.playback.model for item in played if item.playback.model})
    length_s = sum(item.track.length_s for item in played)
    streams = "1 stream" if len(played) == 1 else f"{len(played)} streams, together"
    return [
        ("played", f"{session.began}, {streams} of {clock(length_s)} in {clock(session.took_s)}"),
        ("pace", session.pace),
        ("server", session.server),
        ("model", ", ".join(models) or "unknown"),
        ("call", session.call_id),
    ]


def session_tiles(played: Sequence[Played], whole: Figures) -> list[tuple[str, str]]:
    """Return shares of the time, frame counts and response times with their names."""
    has_frames = any(len(item.track) for item in played)
    return [
        ("of the time below 0.40", share(whole.bands[Band.POOR]) if whole.bands else NOTHING),
        ("of the time without a score", share(whole.unscored) if has_frames else NOTHING),
        *(
            (f"frames {words}" if words == "sent" else words, str(count))
            for words, count in frame_counts(played).items()
            if count or words in ALWAYS_SHOWN
        ),
        *_response_times(played),
    ]


def _response_times(played: Sequence[Played]) -> list[tuple[str, str]]:
    times_s = np.concatenate([item.recorder.answer_times_s for item in played])
    if not len(times_s):
        return []
    median_s, p95_s = np.percentile(times_s, [50, 95])
    return [("response time, median", _duration(median_s)), ("response time, p95", _duration(p95_s))]


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
