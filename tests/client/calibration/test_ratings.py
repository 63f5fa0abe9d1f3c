"""The CSV file of votes, and the JSON lines of a replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_client import Assessment, FrameResult, Model
from facegauge_client.calibration.qualities import read_qualities
from facegauge_client.calibration.ratings import RatingsRefused, read_ratings, with_qualities


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_line_is_a_vote(tmp_path: Path) -> None:
    """Without names each is somebody's; columns may stand in any order and case, others are left alone."""
    path = csv_file(tmp_path, "Rating, clip ,mood", "3,a.mp4,good", "4,a.mp4,", "1,b.mp4,bad")
    first, second = read_ratings(path)
    assert (first.clip, first.votes, first.by_rater, first.quality) == ("a.mp4", (3.0, 4.0), {}, None)
    assert (second.clip, second.votes) == ("b.mp4", (1.0,))


def test_a_rater_has_one_vote_a_clip(tmp_path: Path) -> None:
    """Whoever rates a clip twice counts once, with the mean."""
    path = csv_file(tmp_path, "clip,rater,rating", "a,ann,3", "a,ann,4", "a,bob,5")
    (clip,) = read_ratings(path)
    assert clip.by_rater == {"ann": 3.5, "bob": 5.0}
    assert clip.votes == (3.5, 5.0)


def test_qualities_of_its_own(tmp_path: Path) -> None:
    """The same on all lines of a clip."""
    path = csv_file(tmp_path, "clip,rating,quality", "a,3,0.5", "a,4,0.50")
    (clip,) = read_ratings(path)
    assert clip.quality == 0.5


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([""], "needs a first line that names the columns clip and rating"),
        (["clip,score", "a,3"], "needs a first line that names the columns clip and rating"),
        (["clip,rating", "a,6"], r"vote 1: the rating must be a number from 1 to 5, not '6'"),
        (["clip,rating", "a,3", "a,good"], r"vote 2: the rating must be a number from 1 to 5, not 'good'"),
        (["clip,rating", "a,nan"], "not 'nan'"),
        (["clip,rating", "a"], "not None"),
        (["clip,rating", ",3"], "vote 1: the clip is missing"),
        (["clip,rating,rater", "a,3,"], "vote 1: the rater is missing"),
        (["clip,rating,quality", "a,3,1.5"], "the quality must be a number from 0 to 1, not '1.5'"),
        (["clip,rating,quality", "a,3,0.5", "a,3,0.6"], "gives clip 'a' several qualities"),
        (["clip,rating", 'a,"3'], "is no CSV file"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, lines: list[str], reason: str) -> None:
    """The file and the vote are named."""
    with pytest.raises(RatingsRefused, match=r"ratings\.csv.*" + reason):
        read_ratings(csv_file(tmp_path, *lines))


def test_a_clip_without_a_quality_is_named(tmp_path: Path) -> None:
    """It is most often the name that is written differently; clips that nobody rated do not matter."""
    ratings = read_ratings(csv_file(tmp_path, "clip,rating", "a,3", "b.mov,4"))
    with pytest.raises(RatingsRefused, match=r"no quality for 1 of 2 clips \('b.mov'\).*stream_id"):
        with_qualities(ratings, {"a": 0.5, "c": 0.7})
    clips = with_qualities(ratings, {"a": 0.5, "b.mov": 0.6, "c": 0.7})
    assert [(clip.clip, clip.quality, clip.mos) for clip in clips] == [("a", 0.5, 3.0), ("b.mov", 0.6, 4.0)]


def line(stream_id: str, quality: float | None, sha256: str = "ab", result: str = "scored") -> str:
    model = Model("tiny", sha256)
    return Assessment(stream_id, result=FrameResult(result), quality=quality, model=model).to_json()


def test_a_clips_quality_is_its_mean_over_scored_frames(tmp_path: Path) -> None:
    """As the summary of its stream has it: a quality that only holds while no face is seen does not count."""
    path = tmp_path / "out.jsonl"
    path.write_text(
        "\n".join((line("a", 0.4), line("b", 0.9), line("a", 0.6), line("a", 0.6, result="no_face")))
    )
    qualities, model = read_qualities([path])
    assert qualities == pytest.approx({"a": 0.5, "b": 0.9})
    assert model == Model("tiny", "ab")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no scored frame"),
        ("nonsense", "line 1 is no assessment"),
        ("[]", "line 1 is no assessment"),
        ('{"stream_id": "a", "result": "scored", "quality": 0.5}', "line 1 is no assessment"),
        (
            line("a", 0.5) + "\n" + line("b", 0.5, sha256="cd"),
            r"several students, tiny \(ab…\) and tiny \(cd…\)",
        ),
        (line("a", 1.5), "a quality of 1.5"),
    ],
)
def test_files_that_do_not_serve(tmp_path: Path, text: str, reason: str) -> None:
    """Other files, older servers, and qualities that do not compare."""
    path = tmp_path / "out.jsonl"
    path.write_text(text)
    with pytest.raises(RatingsRefused, match=reason):
        read_qualities([path])


def test_a_clip_in_two_files(tmp_path: Path) -> None:
    """Which of them was rated, nobody knows."""
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for path in paths:
        path.write_text(line("a", 0.5))
    with pytest.raises(RatingsRefused, match=r"clip 'a' is in .*one.jsonl and in .*two.jsonl"):
        read_qualities(paths)
