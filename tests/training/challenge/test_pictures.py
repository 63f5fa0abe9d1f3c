"""Bad labels are told by line, and faces stay on one side of a split."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from facegauge_training.challenge.pictures import hold_out, read_pictures
from facegauge_training.common.errors import RecipeError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def _write(table: Path, text: str) -> Path:
    table.write_text(text, encoding="utf-8")
    return table


def test_good_rows(scored: Path) -> None:
    """Names, scores and groups come as they stand; pixels when they are asked for."""
    pictures = read_pictures(scored / "images", scored / "labels.csv")
    assert len(pictures) == 24
    assert pictures.names[3] == "3.png"
    assert pictures.scores[3] == pytest.approx(0.625)
    assert pictures.groups[3] == "face 1"
    assert pictures[3].shape == (96, 72, 3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("none.png,0.5", r"line 2: there is no .*none\.png"),
        ("0.png,1.5", "line 2: the score 1.5 is not within 0 and 1"),
        ("0.png,-0.1", "not within 0 and 1"),
        ("0.png,nan", "line 2: the score 'nan' is no number"),
        ("0.png,", "no number"),
        ("0.png", "no number"),
        ("0.png,good", "the score 'good' is no number"),
        (",0.5", "no image is named"),
        ("0.png,0.5\n0.png,0.6", r"line 3: 0\.png stands in line 2 already"),
        ("../labels.csv,0.5", "no readable picture"),
    ],
)
def test_a_bad_line_is_told(scored: Path, table: Path, line: str, told: str) -> None:
    """The line, what is wrong with it, and what to do."""
    _write(table, f"image,score\n{line}\n")
    with pytest.raises(RecipeError, match=told) as error:
        read_pictures(scored / "images", table, least=1)
    assert "--skip-bad" in error.value.message


def test_bad_lines_are_left_out_on_request_and_counted(scored: Path, table: Path) -> None:
    """Not silently: the count comes with the rest."""
    good = "".join(f"{n}.png,0.5\n" for n in range(8))
    _write(table, f"image,score\nnone.png,0.1\n{good}0.png,7\n")
    pictures = read_pictures(scored / "images", table, skip_bad=True)
    assert len(pictures) == 8
    assert pictures.left_out == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image,quality\n0.png,0.5\n", r"has no column score \(it has: image, quality\).*image,score"),
        ("", r"no column image and no column score \(it has: nothing\)"),
        ("image,score\n0.png,0.5\n", "has 1 usable rows, at least 8 are needed"),
    ],
)
def test_a_bad_table_is_told(scored: Path, table: Path, text: str, told: str) -> None:
    """Missing columns and too few rows to correlate are errors that say what to do."""
    with pytest.raises(RecipeError, match=told):
        read_pictures(scored / "images", _write(table, text))


def test_missing_paths_are_told(scored: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no folder .*--images"):
        read_pictures(tmp_path / "none", scored / "labels.csv")
    with pytest.raises(RecipeError, match=r"no .*none\.csv.*--labels"):
        read_pictures(scored / "images", tmp_path / "none.csv")


def test_a_picture_that_breaks_later_is_told(scored: Path, tmp_path: Path) -> None:
    """Between the check and the step that shows it."""
    (tmp_path / "0.png").write_bytes((scored / "images/0.png").read_bytes())
    pictures = read_pictures(tmp_path, _write(tmp_path / "t.csv", "image,score\n0.png,0.5\n"), least=1)
    (tmp_path / "0.png").write_bytes(b"")
    with pytest.raises(RecipeError, match=r"line 2: .*0\.png can no longer be read"):
        pictures[0]


def test_groups_are_held_out_whole(scored: Path, table: Path) -> None:
    """No face is on both sides, neither side is empty, and a row keeps its side when rows are added."""
    pictures = read_pictures(scored / "images", scored / "labels.csv")
    aside = hold_out(pictures, 0.3)
    groups = np.array(pictures.groups)
    assert not set(groups[aside]) & set(groups[~aside])
    assert 0 < aside.sum() < 24
    for share in (1e-9, 1 - 1e-9):
        assert 0 < hold_out(pictures, share).sum() < 24
    fewer = pictures.take(np.arange(12))
    assert (hold_out(fewer, 0.3) == aside[:12]).all()

    with (scored / "labels.csv").open(encoding="utf-8") as text:
        lines = "".join(f"{row['image']},{row['score']},one\n" for row in csv.DictReader(text))
    alone = read_pictures(scored / "images", _write(table, f"image,score,group\n{lines}"))
    with pytest.raises(RecipeError, match="one group"):
        hold_out(alone, 0.1)
