"""The page: one HTML file that opens anywhere and loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from facegauge_client.bands import Band, band_of
from facegauge_client.replay import Playback
from facegauge_client.report.chart import clock, quality_chart
from facegauge_client.report.recorder import Moment, Point, Recorder
from facegauge_client.types import FrameResult

__all__ = ["Session", "write_page"]

STYLE = files("facegauge_client.report").joinpath("page.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FOOTER = """<footer>Quality is 0 to 1: an index anchored on VMAF/100 of the received face against its
pristine source, not an opinion score. The pictures were taken by the client that played the files; the server
keeps none.</footer>"""
FRAME_FIGURES = (
    ("scored", FrameResult.SCORED),
    ("without a face", FrameResult.NO_FACE),
    ("face too small", FrameResult.TOO_SMALL),
    ("unreadable", FrameResult.ERROR),
)


@dataclass(frozen=True, slots=True)
class Session:
    """What was replayed, and how."""

    server: str
    began: str
    """Local time, as people write it."""
    took_s: float
    call_id: str = ""


def write_page(session: Session, played: Sequence[tuple[Playback, Recorder]]) -> str:
    """Return the report of a replay as HTML, the worst stream first."""
    ordered = sorted(played, key=_badness)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(_title(ordered))}</title>",
        f"<style>{STYLE}</style></head><body>",
        f"<header><h1>{escape(_title(ordered))}</h1>{_session(session, ordered)}</header>",
        _overview(ordered),
        *(_stream(number, playback, recorder) for number, (playback, recorder) in enumerate(ordered)),
        FOOTER,
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _badness(item: tuple[Playback, Recorder]) -> tuple[bool, float]:
    mean = _mean(item[0])
    return (mean is None, 0.0 if mean is None else mean)


def _mean(playback: Playback) -> float | None:
    return playback.summary.mean_quality if playback.summary else None


def _title(played: Sequence[tuple[Playback, Recorder]]) -> str:
    return f"Quality of {played[0][0].stream_id}" if len(played) == 1 else f"Quality of {len(played)} streams"


def _session(session: Session, played: Sequence[tuple[Playback, Recorder]]) -> str:
    models = sorted({playback.model for playback, _ in played if playback.model})
    sent = sum(playback.frames_sent for playback, _ in played)
    rate = f", {sent / session.took_s:.0f} frames a second" if session.took_s else ""
    facts = [
        ("played", f"{session.began}, for {clock(session.took_s)}{rate}"),
        ("server", session.server),
        ("student", ", ".join(models) or "unknown"),
        ("call", session.call_id),
        ("frames", _frame_figures([playback for playback, _ in played])),
    ]
    rows = (f"<dt>{name}</dt><dd>{escape(fact)}</dd>" for name, fact in facts if fact)
    return f"<dl>{''.join(rows)}</dl>"


def _frame_figures(playbacks: Sequence[Playback]) -> str:
    sent = sum(playback.frames_sent for playback in playbacks)
    counts = (
        (name, sum(playback.results[result] for playback in playbacks)) for name, result in FRAME_FIGURES
    )
    return ", ".join([f"{sent} sent", *(f"{count} {name}" for name, count in counts if count)])


def _overview(played: Sequence[tuple[Playback, Recorder]]) -> str:
    head = "".join(
        f"<th{' class=left' if name == 'stream' else ''}>{name}</th>"
        for name in (
            "stream",
            "mean",
            "p10",
            "lowest",
            *(f"{band.name.lower()}" for band in Band),
            "frames",
            "length",
        )
    )
    rows = "\n".join(_row(number, *item) for number, item in enumerate(played))
    return (
        f'<div class="wide"><table><caption>Streams, the worst first; the bands are shares of the scored time'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(number: int, playback: Playback, recorder: Recorder) -> str:
    name = f'<td class="left"><a href="#stream-{number}">{escape(playback.stream_id)}</a></td>'
    if not recorder.points:
        why = escape(playback.error or "nothing was scored")
        return f'<tr>{name}<td class="left" colspan="9">{why}</td></tr>'
    summary = playback.summary
    cells = (
        _number(_mean(playback)),
        _number(summary.p10_quality if summary else None),
        _number(playback.min_quality),
    )
    shares = _band_shares(recorder.points)
    bands = (f"<td>{shares[band]:.0%}</td>" if shares else "<td>-</td>" for band in Band)
    failed = " class=failed" if playback.error else ""
    return (
        f"<tr{failed}>{name}{''.join(cells)}{''.join(bands)}<td>{len(recorder.points)}</td>"
        f"<td>{clock(recorder.points[-1].time_s)}</td></tr>"
    )


def _number(quality: float | None) -> str:
    if quality is None:
        return "<td>-</td>"
    return f'<td class="{band_of(quality).name.lower()}">{quality:.2f}</td>'


def _band_shares(points: Sequence[Point]) -> dict[Band, float]:
    """Return the share of the scored points in each band."""
    bands = [band_of(point.quality) for point in points if point.quality is not None]
    return {band: bands.count(band) / len(bands) for band in Band} if bands else {}


def _stream(number: int, playback: Playback, recorder: Recorder) -> str:
    name = escape(playback.stream_id)
    error = f'<p class="error">{escape(playback.error)}</p>' if playback.error else ""
    if playback.broken:
        error += (
            f'<p class="error">{playback.broken} broken packets or pictures of the file were left out.</p>'
        )
    if not recorder.points:
        return f'<section id="stream-{number}"><h2>{name}</h2>{error}</section>'
    marks_s = [moment.time_s for moment in recorder.moments]
    return (
        f'<section id="stream-{number}"><h2>{name}</h2>{error}'
        f"<p>{escape(_frame_figures([playback]))}</p>"
        f'<div class="wide chart">{quality_chart(recorder.points, playback.stream_id, marks_s)}</div>'
        f"{_legend(recorder.points)}{_moments(recorder.moments)}</section>"
    )


def _legend(points: Sequence[Point]) -> str:
    states = dict.fromkeys(point.state for point in points)
    items = "".join(
        f'<span><i class="state {state.value}"></i>{state.value.replace("_", " ")}</span>' for state in states
    )
    lines = '<span><i class="line"></i>smoothed</span><span><i class="dot"></i>one frame</span>'
    return f'<p class="legend">{lines}{items}</p>'


def _moments(moments: Sequence[Moment]) -> str:
    if not moments:
        return ""
    figures = "".join(
        f"<figure>{_picture(moment.thumbnail.frame, f'The frame at {clock(moment.time_s)}, the face marked')}"
        f"{_picture(moment.thumbnail.face, 'The face')}"
        f'<figcaption>{clock(moment.time_s)} <b class="{band_of(moment.raw_quality).name.lower()}">'
        f"{moment.raw_quality:.2f}</b></figcaption></figure>"
        for moment in moments
    )
    return f'<h3>Worst moments</h3><div class="moments">{figures}</div>'


def _picture(jpeg: bytes, words: str) -> str:
    if not jpeg:
        return ""
    return f'<img alt="{words}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
