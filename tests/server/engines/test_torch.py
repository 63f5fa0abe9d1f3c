"""The torch engine gives what the OpenVINO engine gives, from the same file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines import create_engine
from facegauge_server.engines.student import Student, load_student, shipped_students
from facegauge_server.errors import BadModel
from tests.server.conftest import SLICES
from tests.tiny_student import tiny_graph

from .conftest import WriteStudent, figures

pytest.importorskip("onnx2torch", reason="needs the extra `torch`")


def test_it_agrees_with_openvino(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """A stream scores the same whichever engine its server has: within a thousandth, in one precision."""
    torch_engine = create_engine("torch", student, threads=1, precision="f32")
    openvino_engine = create_engine("openvino", student, threads=1, precision="f32")
    scores = figures(torch_engine.score(crops))
    assert scores.dtype == np.float32
    assert scores.shape == (6, 1 + len(student.causes))
    assert np.ptp(scores[:, 0]) > 0.01, "the pictures do differ"
    assert (np.ptp(scores, axis=0) > 0).all(), "in every cause too"
    np.testing.assert_allclose(scores, figures(openvino_engine.score(crops)), atol=1e-3)
    assert (torch_engine.name, torch_engine.precision) == ("torch", "f32")
    torch_engine.close()
    openvino_engine.close()


@pytest.mark.filterwarnings(SLICES)
def test_every_model_that_ships_runs(crops: npt.NDArray[np.uint8]) -> None:
    """EdgeNeXt too, whose places onnx2torch by itself counts backwards."""
    for name in shipped_students():
        student = load_student(name)
        sized = np.stack([cv2.resize(crop, (student.input_width, student.input_height)) for crop in crops])
        torch_engine, openvino_engine = (
            create_engine(kind, student, threads=1, precision="f32") for kind in ("torch", "openvino")
        )
        expected = figures(openvino_engine.score(sized))
        np.testing.assert_allclose(figures(torch_engine.score(sized)), expected, atol=1e-3, err_msg=name)
        torch_engine.close()
        openvino_engine.close()


def test_batches_and_threads_change_nothing(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """A crop's score is its own: alone or in a batch, from one thread or from four."""
    engine = create_engine("torch", student, threads=4)
    together = figures(engine.score(crops))
    indices = [0, 1, 2, 3, 4, 5] * 4
    with ThreadPoolExecutor(4) as executor:
        alone = list(executor.map(lambda index: figures(engine.score(crops[index : index + 1]))[0], indices))
    np.testing.assert_allclose(alone, together[indices], atol=1e-5)
    engine.close()


def test_pixels_that_may_not_be_written_are_scored(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """A view of received bytes is read-only; it scores like any other and stays as it is."""
    engine = create_engine("torch", student, threads=1)
    expected = figures(engine.score(crops))
    crops.flags.writeable = False
    np.testing.assert_array_equal(figures(engine.score(crops)), expected)
    engine.close()


@pytest.mark.parametrize("model", [tiny_graph(output_name="score"), b"no graph at all", tiny_graph()[:300]])
def test_a_file_that_is_no_student_is_refused(write_student: WriteStudent, model: bytes) -> None:
    """Whatever the converter stumbles over, the operator reads which file it was."""
    folder: Path = write_student(model)
    with pytest.raises(BadModel, match=r"model\.onnx"):
        create_engine("torch", load_student(str(folder)), threads=1)
