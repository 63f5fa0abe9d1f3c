"""`facegauge calibrate`: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facegauge_client import Assessment, FrameResult, Model
from facegauge_client.cli import command
from tests.client.calibration.conftest import rated_clips

SHA256 = "0123456789abcdef" * 4


def ratings_file(folder: Path, *, with_quality: bool = False) -> Path:
    rows = ["clip,rater,rating" + (",quality" if with_quality else "")]
    for clip in rated_clips():
        quality = f",{clip.quality}" if with_quality else ""
        rows += [f"{clip.clip},{rater},{vote}{quality}" for rater, vote in clip.by_rater.items()]
    path = folder / "ratings.csv"
    path.write_text("\n".join(rows))
    return path


def qualities_file(folder: Path) -> Path:
    model = Model("tiny", SHA256)
    lines = [
        Assessment(clip.clip, result=FrameResult.SCORED, quality=clip.quality, model=model).to_json()
        for clip in rated_clips()
    ]
    path = folder / "clips.jsonl"
    path.write_text("\n".join(lines))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["calibrate", *map(str, arguments)])


def test_a_calibration_from_a_replays_qualities(tmp_path: Path) -> None:
    """The file says for which student it holds, from what it was made, and how far off it may be."""
    out = tmp_path / "calibration.json"
    result = run(ratings_file(tmp_path), "--qualities", qualities_file(tmp_path), "-o", out)
    assert result.exit_code == 0, result.output
    made = json.loads(out.read_text())
    assert made["model"] == {"name": "tiny", "sha256": SHA256}
    assert made["ratings"] == {"clips": 40, "votes": 480, "raters": 12}
    assert made["interval"]["coverage"] == 0.95
    assert 0 < made["interval"]["half_width"] < 1
    assert made["map"]["mos"] == sorted(made["map"]["mos"])
    assert "40 clips with 480 votes, qualities of tiny" in result.output
    assert f"facegauge-server --calibration {out}" in result.output


def test_a_calibration_from_the_files_own_qualities(tmp_path: Path) -> None:
    """The same ratings and qualities give the same map, wherever the qualities stand."""
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    csv = ratings_file(tmp_path)
    assert run(csv, "--qualities", qualities_file(tmp_path), "-o", outs[0]).exit_code == 0
    own = ratings_file(tmp_path, with_quality=True)
    named = ("--model-name", "tiny", "--model-sha256", SHA256.upper())
    assert run(own, *named, "-o", outs[1]).exit_code == 0
    first, second = (json.loads(out.read_text()) for out in outs)
    assert {**first, "made": ""} == {**second, "made": ""}


@pytest.mark.parametrize(
    ("with_quality", "flags", "reason"),
    [
        (False, (), "has no column quality: give --qualities"),
        (True, (), "does not say which student gave its qualities"),
        (True, ("--model-name", "tiny", "--model-sha256", "abc"), "wants 64 hexadecimal digits"),
        (True, ("--qualities", "clips.jsonl"), "has qualities of its own"),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_quality: bool, flags: tuple[str, ...], reason: str
) -> None:
    """Bad usage is exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    qualities_file(tmp_path)
    result = run(ratings_file(tmp_path, with_quality=with_quality), *flags, "-o", "out.json")
    assert result.exit_code == 2
    assert reason in " ".join(result.output.split())
    assert not (tmp_path / "out.json").exists()


def test_refused_ratings_leave_an_earlier_file_alone(tmp_path: Path) -> None:
    """One sentence, exit code 1."""
    out = tmp_path / "calibration.json"
    out.write_text("earlier")
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("clip,rating\n0.mp4,3\n")
    result = run(ratings, "--qualities", qualities_file(tmp_path), "-o", out)
    assert result.exit_code == 1
    assert "at least 20 rated clips are needed, not 1" in result.output
    assert out.read_text() == "earlier"
