"""What `facegauge assess` prints of the faces of pictures."""

from __future__ import annotations

import io

from rich.console import Console

from facegauge_client import Assessment, Cause, CauseKind, Face, FaceState, FrameResult
from facegauge_client.cli.assess import _table


def printed(*assessments: Assessment) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=140)
    console.print(_table(list(assessments)))
    return [line.rstrip() for line in console.export_text().splitlines()]


def face(*causes: Cause) -> Face:
    return Face(1, state=FaceState.SCORED, quality=0.42, short_side_px=120.4, causes=causes)


def test_a_line_a_face_says_what_is_wrong() -> None:
    """Every cause that reaches its threshold, the dearest first, with what it costs."""
    blur = Cause(CauseKind.BLUR, 0.31, threshold=0.1)
    noise = Cause(CauseKind.NOISE, 0.1, threshold=0.1)
    free = Cause(CauseKind.LOSS, 0.05, threshold=0.1)
    lines = printed(
        Assessment("a.png", faces=(face(blur, noise, free), face(free)), result=FrameResult.SCORED),
        Assessment("b.png", result=FrameResult.NO_FACE),
    )
    assert lines[0].split("  ")[-1].strip() == "what is wrong"
    assert lines[1].endswith("blur -0.31, noise -0.10")
    assert lines[1].startswith("a.png")
    assert lines[2].endswith("120 px  -")
    assert lines[3].split() == ["b.png", "-", "no", "face"]


def test_what_is_wrong_with_the_whole_picture_is_told_once() -> None:
    """Before the causes of the first face, or of none, beside the limit; a face without causes is blank."""
    blur = Cause(CauseKind.BLUR, 0.31, threshold=0.1)
    cut_off = Cause(CauseKind.FACE_CUT_OFF, value=0.01, threshold=0.03)
    covered = Cause(CauseKind.COVERED, value=2.0, threshold=4.5)
    small = Face(2, state=FaceState.TOO_SMALL, short_side_px=20.0)
    lines = printed(
        Assessment("a.png", causes=(cut_off, blur), faces=(face(blur), small), result=FrameResult.SCORED),
        Assessment("b.png", causes=(covered,), result=FrameResult.NO_FACE),
    )
    assert lines[1].endswith("face cut off 0.01 sides to the edge (limit 0.03 sides), blur -0.31")
    assert lines[2].endswith("20 px")
    assert lines[3].endswith("covered 2/255 detail (limit 4.5/255)")


def test_nothing_is_named_on_a_good_picture() -> None:
    """Though the student thinks that more could come back than is missing."""
    good = Face(1, state=FaceState.SCORED, quality=0.96, causes=(Cause(CauseKind.BLUR, 0.2, threshold=0.1),))
    assert "blur" not in "".join(printed(Assessment("a.png", faces=(good,), result=FrameResult.SCORED)))


def test_a_student_without_causes_says_nothing_of_them() -> None:
    """No column then: not a face without faults."""
    assert "wrong" not in printed(Assessment("a.png", faces=(face(),), result=FrameResult.SCORED))[0]
