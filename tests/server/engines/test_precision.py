"""A precision other than f32 is taken only where it keeps the scores, and only where it is faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines import create_engine
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.precision import MAX_MOVE, Trial, _best, choose, probe, probe_crops
from facegauge_server.engines.student import Student, load_student
from facegauge_server.errors import BadConfiguration
from facegauge_server.types import RawScores


class Shifted:
    """An engine that scores every crop 0.5 and a little more, and knows whether it was closed."""

    name = "shifted"
    causes = ()
    gains_from_batches = False

    def __init__(self, precision: str, shift: float) -> None:
        self.precision = precision
        self.is_closed = False
        self._shift = shift

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        return RawScores(np.full(len(pixels), 0.5 + self._shift, np.float32))

    def close(self) -> None:
        self.is_closed = True


def student_with(moves: Mapping[str, float]) -> Student:
    shipped = load_student("default")
    manifest = {**shipped.manifest, "precision_moves": dict(moves)}
    return Student(
        shipped.name, shipped.onnx_path, shipped.sha256, shipped.input_width, shipped.input_height, manifest
    )


def maker(shifts: Mapping[str, float]) -> tuple[dict[str, Shifted], Callable[[str], Shifted]]:
    made: dict[str, Shifted] = {}

    def make(precision: str) -> Shifted:
        made[precision] = Shifted(precision, shifts.get(precision, 0.0))
        return made[precision]

    return made, make


def test_what_moves_scores_at_export_is_not_even_tried() -> None:
    """The manifest's figure, from all validation crops, weighs more than the few that the server has."""
    made, make = maker({})
    engine = choose("auto", ("f32", "bf16"), student_with({"bf16": MAX_MOVE + 0.001}), make)
    assert engine.precision == "f32"
    assert set(made) == {"f32"}


def test_what_no_export_has_measured_is_not_tried() -> None:
    """A manifest that says nothing of a precision vouches for nothing."""
    made, make = maker({})
    assert choose("auto", ("f32", "bf16"), student_with({}), make).precision == "f32"
    assert set(made) == {"f32"}


def test_what_moves_scores_here_is_refused() -> None:
    """A processor whose kernels are less exact than the exporter's gets f32, or an error."""
    student = student_with({"bf16": 0.001})
    made, make = maker({"bf16": 0.02})
    assert choose("auto", ("f32", "bf16"), student, make).precision == "f32"
    assert [made[precision].is_closed for precision in ("f32", "bf16")] == [False, True]
    with pytest.raises(BadConfiguration, match=r"--precision bf16 moves scores by 0\.020 on this processor"):
        choose("bf16", ("f32", "bf16"), student, make)
    assert [made[precision].is_closed for precision in ("f32", "bf16")] == [True, True]


@pytest.mark.parametrize(
    ("wanted", "moves", "reason"),
    [
        ("f16", {}, r"--precision f16: this engine has f32, bf16 on this machine"),
        ("bf16", {"bf16": 0.03}, r"moves the scores of \S+ by up to 0\.030, more than 0\.01: choose auto"),
        ("bf16", {}, r"moves the scores of \S+ by who knows how much"),
    ],
)
def test_what_cannot_be_had_is_said(wanted: str, moves: dict[str, float], reason: str) -> None:
    """A precision that is asked for and cannot be trusted is an error that names the way out."""
    with pytest.raises(BadConfiguration, match=reason):
        choose(wanted, ("f32", "bf16"), student_with(moves), maker({})[1])


def test_a_cause_that_moves_counts_as_a_quality_that_does() -> None:
    """The figures of both outputs are held to the same bound."""
    quality = np.array([0.5, 0.6], np.float32)
    exact = RawScores(quality, np.array([[0.1, 0.2], [0.3, 0.4]], np.float32))
    moved = RawScores(quality, np.array([[0.1, 0.2], [0.33, 0.4]], np.float32))
    assert exact.move_from(exact) == 0.0
    assert moved.move_from(exact) == pytest.approx(0.03)
    assert RawScores(quality + 0.01).move_from(RawScores(quality)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("milliseconds", "move", "best"),
    [(3.0, 0.005, "bf16"), (3.9, 0.005, "f32"), (3.0, 0.011, "f32"), (5.0, 0.0, "f32")],
)
def test_the_fastest_that_keeps_the_scores(milliseconds: float, move: float, best: str) -> None:
    """Less than a twentieth of the time is not worth another arithmetic."""
    assert _best([Trial("f32", 4.0, 0.0), Trial("bf16", milliseconds, move)]) == best


def test_the_probe_on_the_shipped_student() -> None:
    """On this machine's processor every precision is timed, and f32 does not differ from itself."""
    student = load_student("default")
    crops = probe_crops(student.input_width, student.input_height)
    assert crops.shape == (16, student.input_height, student.input_width, 3)
    engines = {p: OpenVinoEngine(student, threads=1, precision=p) for p in OpenVinoEngine.precisions()}
    assert np.ptp(engines["f32"].score(crops).quality) > 0.5, "from pristine to ruined"
    trials = {trial.precision: trial for trial in probe(dict(engines), crops)}
    assert trials["f32"].move == 0.0
    assert all(0 < trial.milliseconds < 1000 and 0 <= trial.move < 0.1 for trial in trials.values())
    for engine in engines.values():
        engine.close()


def test_the_shipped_student_starts_in_a_precision_that_keeps_its_scores() -> None:
    """Whatever `auto` takes here scores the probe's crops within the bound of f32."""
    student = load_student("default")
    crops = probe_crops(student.input_width, student.input_height)
    best, plain = create_engine("openvino", student, 1), create_engine("openvino", student, 1, "f32")
    assert plain.precision == "f32"
    assert best.score(crops).move_from(plain.score(crops)) <= MAX_MOVE
    best.close()
    plain.close()
