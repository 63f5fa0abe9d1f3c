"""The page: one HTML file that opens anywhere and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from facegauge_client.quality_bands import Band
from facegauge_client.report.markup import NOTHING, clock, number, share, text
from facegauge_client.report.played import Played, Session
from facegauge_client.report.section import stream_section
from facegauge_client.report.summary import session_summary
from facegauge_client.report.track import Figures

__all__ = ["write_page"]

STYLE = files("facegauge_client.report").joinpath("page.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
FOOTER = """<footer>Quality is 0 to 1, an index anchored on VMAF/100 of the received face against its pristine
source; not an opinion score, and not a biometric one. A stream's quality is its main face's: the largest,
until another has been clearly larger for a while. The pictures were taken by the client that played the
files; the server keeps none.</footer>"""

HEADINGS = {
    "stream": "left",
    "mean": "",
    "p5": "",
    "worst": "",
    "below 0.40": "",
    "bands": "left more",
    "no score": "more",
    "frames": "more",
    "length": "more",
}
"""The table's columns and the classes of their cells; where there is little room, `more` is left out."""


def write_page(session: Session, played: Sequence[Played]) -> str:
    """Return the report of a replay as HTML, the worst stream first."""
    ordered = sorted(played, key=_goodness)
    title = f"Quality of {ordered[0].name}" if len(ordered) == 1 else f"Quality of {len(ordered)} streams"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE}</style></head><body>",
        f"<header><h1>{text(title)}</h1>{session_summary(session, ordered)}</header>",
        f"<main>{_table(ordered)}",
        *(stream_section(index, item) for index, item in enumerate(ordered)),
        f"</main>{FOOTER}",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _goodness(played: Played) -> tuple[bool, float]:
    mean = played.figures.mean
    return (mean is None, 0.0 if mean is None else mean)


def _table(ordered: Sequence[Played]) -> str:
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in HEADINGS.items())
    rows = "\n".join(_row(index, played) for index, played in enumerate(ordered))
    return (
        "<table><caption>Streams, the worst first. Bands: shares of the time that had a quality, poor on the "
        f"left.</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(index: int, played: Played) -> str:
    failed = ' <em class="failed">failed</em>' if played.playback.error else ""
    link = f'<a href="#stream-{index}">{text(played.name)}</a>'
    name = f'<th scope="row" class="left">{link}{failed}</th>'
    if not len(played.track):
        why = text(played.problem or "no frame was answered")
        return f'<tr>{name}<td class="left error" colspan="{len(HEADINGS) - 1}">{why}</td></tr>'
    figures = played.figures
    poor = share(figures.bands[Band.POOR]) if figures.bands else NOTHING
    return (
        f"<tr>{name}<td>{number(figures.mean)}</td><td>{number(figures.p5)}</td>"
        f"<td>{number(figures.worst)}</td>"
        f'<td>{poor}</td><td class="left more">{_bands_bar(figures)}</td>'
        f'<td class="more">{share(figures.unscored)}</td><td class="more">{len(played.track)}</td>'
        f'<td class="more">{clock(figures.length_s)}</td></tr>'
    )


def _bands_bar(figures: Figures) -> str:
    """Draw the shares of the time in each band as one bar."""
    shares = [(band, figures.bands[band]) for band in reversed(Band) if figures.bands.get(band)]
    if not shares:
        return NOTHING
    words = ", ".join(f"{band.name.lower()} {share(part)}" for band, part in shares)
    parts = "".join(
        f'<i class="{band.name.lower()}" style="width:{part * 100:.2f}%"></i>' for band, part in shares
    )
    return f'<span class="bar" role="img" aria-label="{words}" title="{words}">{parts}</span>'
