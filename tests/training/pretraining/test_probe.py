"""The probe: it finds what features hold, finds nothing where there is nothing, and keeps faces apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from click.testing import CliRunner

from facegauge_training.commands.pretraining_commands import probe_backbone
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.store import write_source
from facegauge_training.pretraining.probe import ridge_figures

RNG = np.random.default_rng(3)
FACES = [f"{n:010x}" for n in range(30) for _ in range(8)]


def test_a_label_that_features_hold_is_read() -> None:
    """Mixed into fifty features with noise, the label comes out for faces that were never seen."""
    labels = RNG.random(len(FACES))
    features = np.outer(labels, RNG.normal(size=50)) + RNG.normal(0, 0.3, (len(FACES), 50))
    assert ridge_figures(features, labels, FACES)["srocc"] > 0.9


@pytest.mark.parametrize("width", [40, 600])
def test_nothing_is_read_from_noise(width: int) -> None:
    """Fewer or more features than crops: noise predicts nothing."""
    figures = ridge_figures(RNG.normal(size=(len(FACES), width)), RNG.random(len(FACES)), FACES)
    assert abs(figures["srocc"]) < 0.35


def test_who_it_is_does_not_help() -> None:
    """Features that name the face tell its label only to who has seen that face; no fold has."""
    labels = np.repeat(RNG.random(30), 8)
    names = np.repeat(np.eye(30), 8, axis=0)
    assert ridge_figures(names, labels, FACES)["srocc"] < 0.35


def test_too_few_faces_are_an_error() -> None:
    """Folds by face need ten."""
    with pytest.raises(RecipeError, match="10 faces"):
        ridge_figures(RNG.normal(size=(40, 3)), RNG.random(40), FACES[:40])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_command_prints_random_weights_and_the_teacher(tmp_path: Path) -> None:
    """On blurred astronauts, the teacher reads the blur; both are printed with the count of crops."""
    astronaut = skimage.data.astronaut()
    for n in range(10):
        crop = np.roll(astronaut, 7 * n, axis=1)[60:316, 120:312]
        crops = [cv2.resize(cv2.GaussianBlur(crop, (0, 0), 0.3 + s), (288, 384)) for s in range(4)]
        rows = [{"vmaf": 1 - s / 4, "gmsd": 0.05, "frame": 1, "face_height": 200.0} for s in range(4)]
        write_source(tmp_path, f"{n:010x}", "astronaut", crops, rows)
    command = ["--store", str(tmp_path), "--backbone", "mobilenetv3_small_050"]
    result = CliRunner().invoke(probe_backbone, command)
    assert result.exit_code == 0, result.output
    random, teacher = result.output.strip().splitlines()[-2:]
    assert '"weights": "random", "crops": 40' in random
    assert float(teacher.split('"srocc": ')[1].split(",")[0]) > 0.8
