"""The OpenVINO engine gives each crop its own score, in true f32."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines import create_engine
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.precision import MAX_MOVE, probe_crops
from facegauge_server.engines.student import Student, load_student
from facegauge_server.errors import BadConfiguration, BadModel
from tests.tiny_student import HEIGHT, OUTPUTS, WIDTH, tiny_graph

from .conftest import WriteStudent, expected_figures, figures


def test_it_agrees_with_onnxruntime(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """Precision f32 is kept where the CPU would rather take bfloat16: within a ten-thousandth."""
    engine = create_engine("openvino", student, threads=1, precision="f32")
    scores, expected = figures(engine.score(crops)), expected_figures(student, crops)
    assert scores.dtype == np.float32
    assert scores.shape == (6, 1 + len(engine.causes))
    assert np.ptp(scores[:, 0]) > 0.01, "the pictures do differ"
    assert (np.ptp(scores, axis=0) > 0).all(), "in every cause too"
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert (engine.name, engine.precision) == ("openvino", "f32")
    engine.close()


def test_a_crops_score_does_not_depend_on_its_neighbours(
    student: Student, crops: npt.NDArray[np.uint8]
) -> None:
    """The network's memory is used again for each crop: none leaves a trace in the next, in any order."""
    alone = np.concatenate([expected_figures(student, crop[None]) for crop in crops])
    engine = create_engine("openvino", student, threads=1, precision="f32")
    for order in ([5, 4, 3, 2, 1, 0], [0, 5, 0, 5, 0], [2], [3, 3]):
        np.testing.assert_allclose(figures(engine.score(crops[order])), alone[order], atol=1e-4)
    assert len(set(np.round(alone[:, 0], 4))) > 1, "a constant would pass"
    engine.close()


def test_crops_may_be_views(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """Mirrored crops, which are no contiguous memory, score as their copies do; none scores as nothing."""
    engine = create_engine("openvino", student, threads=1)
    mirrored = crops[:, :, ::-1]
    copied = figures(engine.score(np.ascontiguousarray(mirrored)))
    np.testing.assert_array_equal(figures(engine.score(mirrored)), copied)
    assert engine.score(crops[:0]).quality.shape == (0,)
    engine.close()


def test_threads_change_nothing(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """Several threads at once each get their own crop's score."""
    engine = create_engine("openvino", student, threads=3)
    together = figures(engine.score(crops))
    indices = [0, 1, 2, 3, 4, 5] * 4
    with ThreadPoolExecutor(3) as executor:
        alone = list(executor.map(lambda index: figures(engine.score(crops[index : index + 1]))[0], indices))
    np.testing.assert_allclose(alone, together[indices], atol=1e-5)
    engine.close()


def test_earlier_scores_stay(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """A returned array is the caller's: the next call does not write over it."""
    engine = create_engine("openvino", student, threads=1)
    first = engine.score(crops[:1])
    kept = figures(first)
    engine.score(crops[5:])
    np.testing.assert_array_equal(figures(first), kept)
    engine.close()


BF16 = pytest.mark.skipif("bf16" not in OpenVinoEngine.precisions(), reason="this CPU has no bfloat16")


@pytest.mark.parametrize("first", [[], ["active"], ["floats"]])
@pytest.mark.parametrize("precision", ["f32", pytest.param("bf16", marks=BF16)])
def test_a_network_cut_in_two_gives_the_same(
    write_student: WriteStudent, crops: npt.NDArray[np.uint8], precision: str, first: list[str]
) -> None:
    """Layers that the manifest keeps in float32 hand over to the rest, in every thread, crop by crop."""
    tiny = load_student(str(write_student(float32_first=first, outputs=OUTPUTS)))
    small = np.ascontiguousarray(crops[:, : tiny.input_height, : tiny.input_width])
    whole = OpenVinoEngine(tiny, threads=2)  # in f32 nothing is cut
    cut = OpenVinoEngine(tiny, threads=2, precision=precision)
    with ThreadPoolExecutor(2) as executor:
        found = [figures(raw) for raw in executor.map(cut.score, [small, small[::-1]])]
    np.testing.assert_allclose(
        found[0], figures(whole.score(small)), atol=1e-5 if precision == "f32" else 0.02
    )
    np.testing.assert_array_equal(found[0], found[1][::-1])
    whole.close()
    cut.close()


@BF16
def test_a_cut_at_a_tensor_that_is_not_there(write_student: WriteStudent) -> None:
    """The manifest's mistake is named."""
    with pytest.raises(BadModel, match="no tensor 'nowhere'"):
        OpenVinoEngine(load_student(str(write_student(float32_first=["nowhere"]))), 1, "bf16")


@BF16
def test_bfloat16_moves_scores_no_further_than_the_manifest_says() -> None:
    """What was measured of the default student at its export holds here, so that the server may go by it."""
    shipped = load_student("default")
    crops = probe_crops(shipped.input_width, shipped.input_height)
    exact, quick = (OpenVinoEngine(shipped, 1, precision) for precision in ("f32", "bf16"))
    allowed = max(MAX_MOVE, shipped.manifest["precision_moves"]["bf16"])
    assert exact.score(crops).move_from(quick.score(crops)) <= allowed
    exact.close()
    quick.close()


@pytest.mark.parametrize("model", [tiny_graph(output_name="score"), tiny_graph(input_name="picture")])
def test_a_network_with_other_ends_is_refused(write_student: WriteStudent, model: bytes) -> None:
    """The network must take `pixels` and give `quality`."""
    with pytest.raises(BadModel, match="must take `pixels` and give `quality`"):
        create_engine("openvino", load_student(str(write_student(model))), threads=1)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
@pytest.mark.parametrize(("causes", "reason"), [(0, "must take `pixels` and give"), (2, "gives 2 .*names 3")])
def test_causes_that_the_network_does_not_give_are_refused(
    write_student: WriteStudent, engine: str, causes: int, reason: str
) -> None:
    """A manifest that names causes vouches for as many figures."""
    folder = write_student(tiny_graph(causes=causes), outputs=OUTPUTS)
    with pytest.raises(BadModel, match=reason):
        create_engine(engine, load_student(str(folder)), threads=1)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_outputs_that_no_manifest_names_are_left_alone(write_student: WriteStudent, engine: str) -> None:
    """Causes are served where the manifest says what they are, and else are absent."""
    made = create_engine(engine, load_student(str(write_student(tiny_graph(causes=3)))), threads=1)
    assert made.causes == ()
    assert made.score(np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)).costs is None
    made.close()


@pytest.mark.parametrize("model", [b"no graph at all", tiny_graph()[:300]])
def test_a_file_that_is_no_network_is_refused(write_student: WriteStudent, model: bytes) -> None:
    """A file that OpenVINO cannot read is named."""
    with pytest.raises(BadModel, match=r"OpenVINO cannot load .*model\.onnx"):
        create_engine("openvino", load_student(str(write_student(model))), threads=1)


@pytest.mark.parametrize(
    ("kind", "precision", "reason"),
    [
        ("tpu", "f32", "choose auto, openvino or torch"),
        ("openvino", "int4", "--precision int4: this engine has f32"),
    ],
)
def test_an_engine_that_there_is_not(
    write_student: WriteStudent, kind: str, precision: str, reason: str
) -> None:
    """A flag that asks for what the server cannot do is answered with what it can."""
    with pytest.raises(BadConfiguration, match=reason):
        create_engine(kind, load_student(str(write_student())), threads=1, precision=precision)
