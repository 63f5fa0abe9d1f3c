"""The page says what happened, loads nothing, and believes no file name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from facegauge_client.playback.playback import Playback
from facegauge_client.report import Played, Session, write_page
from facegauge_client.sdk.types import Cause, CauseKind, FrameResult, Summary

from .conftest import recorder_of

SESSION = Session("127.0.0.1:50051", "2026-11-23 12:00:00", 61.0, "standup", "5 frames a second")
FREE = Cause(CauseKind.BLUR, 0.01, threshold=0.1)
UNCLOSED = {"meta", "img", "!doctype"}
HOSTILE = '<script>alert("1")</script>&\'\u202e\udcff\x00.mp4'


def played(
    name: str,
    qualities: list[float | None],
    error: str | None = None,
    causes: Sequence[tuple[Cause, ...]] = (),
) -> Played:
    playback = Playback(Path("file"), name)
    playback.started = True
    playback.frames_sent = len(qualities)
    for quality in qualities:
        playback.results[FrameResult.NO_FACE if quality is None else FrameResult.SCORED] += 1
    playback.summary = None if error else Summary(name)
    playback.error = error
    return Played(playback, recorder_of(qualities, causes=causes))


class Checker(HTMLParser):
    """Follows the tags: which are not closed in their order, which ids there are, what is linked."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.images_without_words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in UNCLOSED:
            self.open.append(tag)
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if "href" in values else []
        self.loads += [values["src"] or ""] if "src" in values else []
        self.images_without_words += tag == "img" and not values.get("alt")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is left open."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def check(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.open
    assert not checker.wrong
    assert len(checker.ids) == len(set(checker.ids))
    assert {link.removeprefix("#") for link in checker.links} <= set(checker.ids)
    assert all(address.startswith("data:image/jpeg;base64,") for address in checker.loads)
    assert not checker.images_without_words
    return checker


def test_the_worst_stream_comes_first_and_has_a_chart() -> None:
    """Every stream has its row, its section and its line; a row links to its section."""
    page = write_page(SESSION, [played("good.mp4", [0.9] * 20), played("bad.mp4", [0.3] * 20)])
    check(page)
    assert page.index("bad.mp4") < page.index("good.mp4")
    assert page.count('class="quality"') == 2
    assert page.index('href="#stream-0"') < page.index('id="stream-0"')
    for word in ("standup", "127.0.0.1:50051", "5 frames a second", "2026-11-23 12:00:00"):
        assert word in page


def test_the_session_has_its_figures() -> None:
    """Frames by what became of them, qualities, and how much of the time was poor."""
    page = write_page(SESSION, [played("a", [0.9] * 15 + [0.3] * 4 + [None])])
    tiles = dict(re.findall(r"<div><dt>([^<]+)</dt><dd>(?:<b[^>]*>)?([^<]+)", page[: page.index("<table>")]))
    assert tiles["frames sent"] == "20"
    assert (tiles["scored"], tiles["without a face"], tiles["dropped"], tiles["failed"]) == (
        *("19", "1"),
        *("0", "0"),
    )
    assert (tiles["mean quality"], tiles["p5"], tiles["worst"]) == ("0.77", "0.30", "0.30")
    assert tiles["of the time below 0.40"] == "21%"
    assert tiles["of the time without a score"] == "5%"


def test_a_hostile_name_is_text() -> None:
    """A file may be called anything, and so may the error that names it, the call and the model."""
    one = played(HOSTILE, [0.5] * 5, error=f"{HOSTILE}: broken")
    one.playback.model = HOSTILE
    session = Session(HOSTILE, "now", 1.0, HOSTILE)
    page = write_page(session, [one, played("b", [0.4])])
    check(page)
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&amp;&#39;???.mp4" in page
    page.encode()


def test_nothing_is_loaded() -> None:
    """No address, no script, and a policy that forbids both."""
    page = write_page(SESSION, [played("a.mp4", [0.5, None, 0.7])])
    check(page)
    for word in ("url(", "@import", "http:", "https:", "<script", "<link", "<iframe"):
        assert word not in page
    assert "default-src 'none'" in page
    assert "script-src" not in page


def test_a_file_that_failed_is_reported() -> None:
    """At the top and in its row, with its reason; the others are not the less."""
    page = write_page(SESSION, [played("broken.mp4", [], error="not a video"), played("a.mp4", [0.5] * 9)])
    check(page)
    table = page[page.index("<table>") :]
    assert table.index("a.mp4") < table.index("broken.mp4")
    assert page.count("not a video") == 3
    assert "1 of 2 did not play to the end" in page


def test_a_replay_that_was_stopped_is_reported() -> None:
    """What was seen is shown; what was not played is named."""
    stopped, waiting = played("stopped.mp4", [0.5] * 9), played("waiting.mp4", [])
    stopped.playback.summary = waiting.playback.summary = None
    stopped.playback.frames_sent, waiting.playback.started = 12, False
    page = write_page(SESSION, [stopped, waiting])
    check(page)
    assert "the replay was stopped before the end" in page
    assert "not played" in page
    assert "3 without an answer" in page


def test_what_was_wrong_is_told_with_its_figure() -> None:
    """In the stream's row, in its strips, in the legend and at its worst moments."""
    bad = Cause(CauseKind.COMPRESSION, 0.31, threshold=0.1)
    freeze = Cause(CauseKind.FREEZE, value=2.4, threshold=0.5)
    causes = [()] * 10 + [(bad,)] * 10 + [(freeze, bad)] * 10
    qualities: list[float | None] = [*[0.9] * 10, *[0.3] * 20]
    page = write_page(SESSION, [played("a", qualities, causes=causes), played("b", [0.9] * 5)])
    check(page)
    row, other = re.findall(r'<td class="left more wrong">(.*?)</td>', page)
    assert row == "compression -0.31 for 4.0 s, and 1 more"
    assert other == "\N{EN DASH}"
    assert page.count("</i>main cause</span>") == page.count("</i>cause beside it</span>") == 1
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert any("<strong>compression -0.31</strong>, quality" in caption for caption in captions)
    assert any("<strong>freeze 2.4 s (limit 0.5 s)</strong>" in caption for caption in captions)
    assert "tells no causes" in page[page.index('id="stream-1"') :]


@pytest.mark.parametrize(
    ("causes", "words"),
    [((), "tells no causes of the picture, and no fault"), ((FREE,), "No cause reached its limit")],
    ids=["none told", "none named"],
)
def test_a_page_without_causes_says_why(causes: tuple[Cause, ...], words: str) -> None:
    """A student that tells none, or a picture that has none: no strip, no column, no zero."""
    page = write_page(SESSION, [played("a", [0.9] * 9, causes=[causes] * 9)])
    check(page)
    assert words in page
    assert '<ul class="causes">' not in page
    assert "what was wrong" not in page


@pytest.mark.parametrize("qualities", [[], [None], [None] * 40, [0.5]])
def test_a_page_of_almost_nothing(qualities: list[float | None]) -> None:
    """No frame, none with a face, a single one."""
    page = write_page(SESSION, [played("a", qualities)])
    check(page)
    assert "nan" not in page.lower()
