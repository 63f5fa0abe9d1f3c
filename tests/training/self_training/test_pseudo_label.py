"""A round of self-training: one teacher labels faces that cannot be measured, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.store import pseudo_stores
from facegauge_training.fitting.checkpoint import load_trained


def test_a_teacher_labels_faces_that_were_never_seen(cache: Path, pseudo_labelled: str) -> None:
    """Soft photos and their degradations get scores of 0-1; a val photo in another coding is refused."""
    assert "1 natural" in pseudo_labelled
    assert "1 refused" in pseudo_labelled
    crops = CropSet(pseudo_stores(cache, 1))
    assert len(crops) == 8
    assert crops.pseudo.all()
    assert {row["source"] for row in crops.rows} == {"soft"}
    name = load_trained(cache / "runs" / "teacher-0" / "teacher.pt").name
    assert {row["labelled_by"] for row in crops.rows} == {name}
    assert ((crops.labels >= 0) & (crops.labels <= 1)).all()


@pytest.mark.usefixtures("pseudo_labelled")
def test_a_second_run_of_a_round_costs_nothing(
    cache: Path, natural_faces: Path, done: Callable[..., str]
) -> None:
    """What is labelled stays, and a killed round goes on to the same crops and labels."""
    [folder] = pseudo_stores(cache, 1)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    options = ("--faces", natural_faces, "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    assert "now 0 natural" in done("pseudo-label", *options)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    table = next(path for path in folder.glob("*.json") if json.loads(path.read_text())["crops"])
    rows = json.loads(table.read_text())["crops"]
    table.unlink()
    assert "now 1 natural" in done("pseudo-label", *options)
    again = json.loads(table.read_text())["crops"]
    for one, other in zip(again, rows, strict=True):  # VP8's encoder goes by the clock: not to the last bit
        assert one.pop("score") == pytest.approx(other.pop("score"), abs=0.02)
        assert one == other


@pytest.mark.usefixtures("pseudo_labelled")
def test_one_teacher_labels_a_round(
    cache: Path,
    natural_faces: Path,
    small: tuple[str, ...],
    train: Callable[..., Result],
    done: Callable[..., str],
) -> None:
    """Another teacher's labels are not mixed into a round that is begun."""
    options = ("--initialisation", "random", "--train-samples", "32", "--seed", "2", "--cache", cache)
    done("teacher", "--run", "other", *options, *small)
    mixed = train("pseudo-label", "--faces", natural_faces, "--cache", cache, "--teacher", "other")
    assert (mixed.exit_code, "--round" in mixed.output) == (1, True)
