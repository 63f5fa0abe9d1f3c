"""The table at the end of a replay: what was wrong with each stream, where anybody tells."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from facegauge_client import Assessment, Cause, CauseKind, FrameResult, StreamState
from facegauge_client.cli.replay_table import results
from facegauge_client.playback.playback import Playback

FREE = tuple(Cause(kind, 0.01, threshold=0.1) for kind in (CauseKind.COMPRESSION, CauseKind.BLUR))
BAD = Cause(CauseKind.COMPRESSION, 0.31, threshold=0.1)
FREEZE = Cause(CauseKind.FREEZE, value=2.4, threshold=0.5)


def played(name: str, *causes: tuple[Cause, ...], main: Cause | None = None) -> Playback:
    playback = Playback(Path(name), name)
    for number, named in enumerate(causes):
        playback.note(
            Assessment(
                name,
                number,
                number / 5,
                FrameResult.SCORED,
                StreamState.SCORED,
                0.5,
                0.5,
                causes=named,
                main_cause=main,
            )
        )
    return playback


def lines(width: int, *playbacks: Playback) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width)
    console.print(results(playbacks, width))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 140])
def test_each_cause_has_a_line_with_its_figure(width: int) -> None:
    """In any width, below the table where there is no room for a column."""
    bad = played("as-long-as-names-are.mp4", *[(FREEZE, BAD)] * 6, main=FREEZE)
    text = lines(width, bad, played("good", FREE, FREE))
    assert all(len(line) <= width for line in text)
    assert "what was wrong" in " ".join(text)
    told = "".join("".join(text).split())
    for words in ("(limit0.5s)for1.0s", "freeze2.4s", "compression", "-0.31", "1.0s"):
        assert words in told


def test_the_others_are_counted() -> None:
    """Three at most are told."""
    others = tuple(Cause(kind, 0.2, threshold=0.1) for kind in (CauseKind.BLUR, CauseKind.NOISE))
    text = lines(140, played("bad", (FREEZE, BAD, *others), (FREEZE, BAD, *others), main=FREEZE))
    assert "and 1 more" in text[4]


def test_a_student_without_causes_has_no_column() -> None:
    """Of faults there is one, which is named for what it is: a dash in it says nothing of the picture."""
    assert "wrong" not in lines(140, played("a", (), ()))[0]
    head, bad, good = lines(140, played("bad", *[(FREEZE,)] * 2, main=FREEZE), played("good", ()))
    assert "faults of the stream" in head
    assert "freeze 2.4 s (limit 0.5 s)" in bad
    assert "0" not in good.replace("1/1", "").replace("0.50", "")


def test_what_belongs_to_no_frame_is_not_counted() -> None:
    """A notice that the stream is stale comes when the server is slow, not when the file is bad."""
    playback = Playback(Path("a"), "a")
    playback.note(Assessment("a", main_cause=FREEZE, causes=(FREEZE,), state=StreamState.STALE))
    assert "faults" not in lines(140, playback)[0]
