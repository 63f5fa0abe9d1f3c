"""The page: one HTML file that opens anywhere and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_client.report.chart import quality_chart
from facegauge_client.report.played import Played, Session, frame_counts
from facegauge_client.report.summary import session_facts, session_tiles
from facegauge_client.report.templates import render
from facegauge_client.report.track import figures

__all__ = ["write_page"]


def write_page(session: Session, played: Sequence[Played]) -> str:
    """Return the report of a replay as HTML, the worst stream first."""
    ordered = sorted(played, key=_goodness)
    whole = figures([item.track for item in ordered])
    return render(
        "page.html.j2",
        title=f"Quality of {ordered[0].name}" if len(ordered) == 1 else f"Quality of {len(ordered)} streams",
        played=ordered,
        whole=whole,
        facts=session_facts(session, ordered),
        tiles=session_tiles(ordered, whole),
        frame_counts=frame_counts,
        quality_chart=quality_chart,
        has_causes=any(item.recorder.causes.lanes for item in ordered),
    )


def _goodness(played: Played) -> tuple[bool, float]:
    mean = played.figures.mean
    return (mean is None, 0.0 if mean is None else mean)
