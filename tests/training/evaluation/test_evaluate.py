from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facegauge_training.cli import main
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import all_steps
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import fill_store, read_store
from facegauge_training.evaluation import evaluate as program
from facegauge_training.evaluation.model_outputs import score_crops


@pytest.fixture(scope="module")
def ladder(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> CropSet:
    folder = tmp_path_factory.mktemp("ladder")
    fill_store(folder, read_sources(faces, "val"), all_steps, 7, 1, jitter=False, workers=1)
    return read_store(folder)


def test_a_perfect_student_gets_full_marks(ladder: CropSet) -> None:
    """Scores equal to the labels agree, order and spread perfectly."""
    report = program.evaluate(ladder.labels.astype(np.float64), ladder, resamples=10)
    assert report["srocc"] == report["plcc"] == 1.0
    assert report["rmse"] == 0
    assert report["ordered_pairs"]["neighbours"] == report["ordered_pairs"]["two_apart"] == 1.0
    assert set(report["spread"].values()) == {0.0}
    assert report["crops"] < len(ladder)  # noise and darkness are told apart


def test_a_student_that_is_always_wrong_gets_none(ladder: CropSet) -> None:
    """Reversed scores correlate at -1 and order nothing."""
    report = program.evaluate(1.0 - ladder.labels.astype(np.float64), ladder, resamples=10)
    assert report["srocc"] == -1.0
    assert report["ordered_pairs"]["two_apart"] == 0.0


def test_a_missing_model_is_told(ladder: CropSet, tmp_path: Path) -> None:
    """No ONNX file, or a file that is none: one sentence, exit code 1."""
    broken = tmp_path / "model.onnx"
    with pytest.raises(RecipeError, match="export"):
        score_crops(broken, ladder)
    broken.write_bytes(b"nothing")
    with pytest.raises(RecipeError, match="student"):
        score_crops(broken, ladder)
    done = CliRunner().invoke(main, ["evaluate", "--model", str(broken), "--cache", str(tmp_path)])
    assert done.exit_code == 1
