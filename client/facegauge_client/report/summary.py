"""The head of the page: what was played, when and where, and what all of it comes to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facegauge_client.quality_bands import Band
from facegauge_client.report.markup import NOTHING, clock, number, share, text
from facegauge_client.report.played import Played, Session, frame_counts
from facegauge_client.report.track import figures

__all__ = ["session_summary"]

ALWAYS_TOLD = ("sent", "scored", "without a face", "dropped", "failed")


def session_summary(session: Session, played: Sequence[Played]) -> str:
    """Return the facts, the figures, and what went wrong."""
    return f"{_facts(session, played)}{_problems(played)}{_tiles(played)}"


def _facts(session: Session, played: Sequence[Played]) -> str:
    models = sorted({item.playback.model for item in played if item.playback.model})
    length_s = sum(item.track.length_s for item in played)
    streams = "1 stream" if len(played) == 1 else f"{len(played)} streams, together"
    facts = [
        ("played", f"{session.began}, {streams} of {clock(length_s)} in {clock(session.took_s)}"),
        ("pace", session.pace),
        ("server", session.server),
        ("model", ", ".join(models) or "unknown"),
        ("call", session.call_id),
    ]
    rows = (f"<dt>{name}</dt><dd>{text(fact)}</dd>" for name, fact in facts if fact)
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _problems(played: Sequence[Played]) -> str:
    problems = [
        f'<li><a href="#stream-{index}">{text(item.name)}</a>: {text(item.problem)}</li>'
        for index, item in enumerate(played)
        if item.problem
    ]
    if not problems:
        return ""
    words = f"{len(problems)} of {len(played)} did not play to the end"
    return f'<div class="problems"><p>{words}</p><ul>{"".join(problems)}</ul></div>'


def _tiles(played: Sequence[Played]) -> str:
    whole = figures([item.track for item in played])
    tiles = [
        ("mean quality", number(whole.mean)),
        ("p5", number(whole.p5)),
        ("worst", number(whole.worst)),
        ("of the time below 0.40", share(whole.bands[Band.POOR]) if whole.bands else NOTHING),
        (
            "of the time without a score",
            share(whole.unscored) if any(len(item.track) for item in played) else NOTHING,
        ),
        *(
            (f"frames {words}" if words == "sent" else words, str(count))
            for words, count in frame_counts(list(played)).items()
            if count or words in ALWAYS_TOLD
        ),
        *_answer_times(played),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">{items}</dl>'


def _answer_times(played: Sequence[Played]) -> list[tuple[str, str]]:
    times_s = np.concatenate([item.recorder.answer_times_s for item in played])
    if not len(times_s):
        return []
    median_s, p95_s = np.percentile(times_s, [50, 95])
    return [("from sending to answer, median", _duration(median_s)), ("the same, p95", _duration(p95_s))]


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
