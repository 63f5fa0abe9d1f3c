"""A teacher's outputs: computed once, kept on disk, read back for the students."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.fitting.teacher_outputs import outputs_path, read_teacher_outputs


def test_outputs_are_the_networks_and_are_computed_once(
    cache: Path, done: Callable[..., str], tmp_path: Path
) -> None:
    """Scores, causes and features on disk are those of the network; a second run computes nothing."""
    shared, cache = cache, tmp_path / "cache"  # others' teacher outputs may be in the shared one
    shutil.copytree(shared, cache, ignore=shutil.ignore_patterns("teacher-outputs"))
    options = ("teacher-outputs", "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    assert "outputs for 3 photos computed now" in done(*options)
    assert "outputs for 0 photos computed now" in done(*options)
    teacher = load_trained(cache / "runs" / "teacher-0" / "teacher.pt")
    crops = CropSet(train_stores(cache), teacher.width)
    outputs = read_teacher_outputs(cache, teacher.name, crops)
    with torch.no_grad():
        pixels = torch.from_numpy(crops[0].copy())[None]
        features = teacher.network.features(teacher.network.pooled(pixels))
        score, causes = teacher.network(pixels)
    np.testing.assert_allclose(outputs.features[0], features[0], atol=0.01)
    np.testing.assert_allclose(outputs.scores[0], score[0], atol=0.001)
    np.testing.assert_allclose(outputs.causes[0], causes[0], atol=0.001)


def test_outputs_of_other_crops_are_refused(tmp_path: Path, cache: Path) -> None:
    """A file with another number of crops than the store's is not read, and none at all names the command."""
    crops = CropSet(train_stores(cache))
    with pytest.raises(RecipeError, match="facegauge-train teacher-outputs --teacher t"):
        read_teacher_outputs(tmp_path, "t@1", crops)
    path = outputs_path(tmp_path, "t@1", crops.rows[0])
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((5, 9), np.float16))
    with pytest.raises(RecipeError, match="outputs for 5 crops, the store holds 12"):
        read_teacher_outputs(tmp_path, "t@1", crops)
