"""One stream's part of the page: its figures, its chart, its worst moments."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_client.report.chart import quality_chart
from facegauge_client.report.markup import clock, image, number, text
from facegauge_client.report.moments import Moment
from facegauge_client.report.played import Played, frame_counts
from facegauge_client.report.strip import state_legend

__all__ = ["stream_section"]

LINES = (
    '<span><i class="line"></i>smoothed</span><span><i class="dot"></i>single frames</span>'
    '<span><i class="flag"></i>worst moments</span>'
)


def stream_section(index: int, played: Played) -> str:
    """Return the part of the stream at that place of the page."""
    key = f"stream-{index}"
    parts = [f'<section id="{key}"><h2>{text(played.name)}</h2>']
    if played.problem:
        parts.append(f'<p class="error">{text(played.problem)}</p>')
    if played.playback.broken:
        words = f"{played.playback.broken} broken packets or pictures of the file were left out."
        parts.append(f'<p class="error">{words}</p>')
    if len(played.track):
        moments = played.recorder.worst_moments()
        marks_s = [moment.time_s for moment in moments]
        parts += [
            f"<p>{_figures(played)}</p>",
            quality_chart(played.track, played.name, key, marks_s),
            f'<p class="legend">{LINES}{state_legend(played.track)}</p>',
            _moments(moments, key),
        ]
    return "\n".join([*parts, "</section>"])


def _figures(played: Played) -> str:
    """Say in a line what the table, the chart and the pictures do not."""
    figures = played.figures
    counts = [f"{count} {words}" for words, count in frame_counts([played]).items() if count]
    words = [
        f"mean {number(figures.mean)}, p5 {number(figures.p5)}, worst {number(figures.worst)}",
        f"{clock(figures.length_s)} long",
        f"frames: {', '.join(counts)}",
    ]
    most_faces = int(played.track.faces.max())
    if most_faces > 1:
        words.append(f"up to {most_faces} faces at once, of which the quality is the main one's")
    return "; ".join(words)


def _moments(moments: Sequence[Moment], key: str) -> str:
    if not moments:
        return ""
    pictures = "".join(
        f'<figure id="{key}-{index}">{_pictures(moment)}<figcaption><span class="flag">{index}</span> '
        f"{clock(moment.time_s)}: {number(moment.raw_quality)}, smoothed {number(moment.quality)}"
        "</figcaption></figure>"
        for index, moment in enumerate(moments, 1)
    )
    return f'<h3>Worst moments</h3><div class="moments">{pictures}</div>'


def _pictures(moment: Moment) -> str:
    when = clock(moment.time_s)
    frame = image(moment.thumbnail.frame, f"The frame at {when}, its faces marked")
    return f"<div>{frame}{image(moment.thumbnail.face, f'The main face at {when}')}</div>"
