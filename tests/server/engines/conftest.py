"""Students for the engines' tests: the one that ships, and a tiny one made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from facegauge_server.engines.student import MODELS, Student, load_student
from facegauge_server.types import RawScores
from tests.tiny_student import OUTPUTS, write_tiny_student

WriteStudent = Callable[..., Path]


@pytest.fixture
def write_student(tmp_path: Path) -> WriteStudent:
    """Writes a student's folder that fits together, but for the manifest's entries given."""
    return partial(write_tiny_student, tmp_path)


@pytest.fixture(params=["tiny", "causes", "shipped"])
def student(request: pytest.FixtureRequest, write_student: WriteStudent) -> Student:
    """The tiny student, the same with causes, then the one that ships."""
    if request.param == "tiny":
        return load_student(str(write_student()))
    if request.param == "causes":
        return load_student(str(write_student(outputs=OUTPUTS)))
    if not (MODELS / "default.txt").is_file():
        pytest.skip("no student ships yet")
    return load_student("default")


def figures(scores: RawScores) -> npt.NDArray[np.float32]:
    """All figures of a batch, (n, 1 + causes), quality first."""
    costs = () if scores.costs is None else (scores.costs,)
    return np.column_stack((scores.quality, *costs))


def expected_figures(student: Student, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The same from ONNX Runtime."""
    session = onnxruntime.InferenceSession(student.onnx_path)
    return np.column_stack(session.run(list(student.outputs), {"pixels": crops}))


@pytest.fixture
def crops(student: Student) -> npt.NDArray[np.uint8]:
    """Six pictures of the student's size, from flat grey to noise."""
    random = np.random.default_rng(3)
    shape = (6, student.input_height, student.input_width, 3)
    noise = random.normal(0, 1, shape)
    strength = np.array([0, 5, 10, 20, 40, 120]).reshape(6, 1, 1, 1)
    pixels: npt.NDArray[np.uint8] = np.clip(128 + noise * strength, 0, 255).astype(np.uint8)
    return pixels
