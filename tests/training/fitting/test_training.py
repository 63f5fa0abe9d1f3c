"""From a cache to a student: `facegauge-train teacher` and `student`, tiny."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.fitting.loader import split_crops
from facegauge_training.fitting.teacher_outputs import outputs_path

Train = Callable[..., Result]
Done = Callable[..., str]


@pytest.mark.usefixtures("pseudo_labelled")
def test_the_next_teacher_learns_from_the_round(cache: Path, small: tuple[str, ...], done: Done) -> None:
    """It starts from the first, adds its samples, and its file says what both were made from."""
    common = ("--cache", cache, "--train-samples", "32", "--pseudo-round", "1")
    done("teacher", *common, "--run", "teacher-1", "--start-from", "teacher-0", *small)
    origin = load_trained(cache / "runs" / "teacher-1" / "teacher.pt").provenance
    first = load_trained(cache / "runs" / "teacher-0" / "teacher.pt")
    assert origin.samples == 64 + 32
    assert origin.all_sources() == ["invented-train", "soft"]
    assert origin.start == first.provenance
    assert origin.beginning() == "random"
    assert origin.all_labels() == {first.name: 8, "vmaf": 36}


def test_a_student_learns_from_its_teacher(
    cache: Path, small: tuple[str, ...], train: Train, done: Done
) -> None:
    """Only after the outputs are computed, and from as many as there are; its file names the teacher."""
    done(
        "teacher",
        "--cache",
        cache,
        "--run",
        "t",
        "--initialisation",
        "random",
        "--train-samples",
        "32",
        *small,
    )
    common = ("--cache", cache, "--train-samples", "32", "--teacher", "t")
    early = train("student", *common, "--run", "s", *small)
    assert (early.exit_code, "facegauge-train teacher-outputs" in early.output) == (1, True)
    done("teacher-outputs", "--cache", cache, "--teacher", "t", "--threads", "1")
    teacher = load_trained(cache / "runs" / "t" / "teacher.pt")
    crops = CropSet(train_stores(cache))
    outputs_path(cache, teacher.name, crops.rows[split_crops(crops)[0][0]]).unlink()
    output = done("student", *common, "--run", "s", *small)
    assert "outputs for 50% of them" in output
    assert load_trained(cache / "runs" / "s" / "student.pt").provenance.teacher == teacher.name


def test_a_start_is_a_runs_name_or_a_path(cache: Path, small: tuple[str, ...], done: Done) -> None:
    """Both begin with the same weights."""
    path = cache / "runs" / "teacher-0" / "teacher.pt"
    common = ("student", "--cache", cache, "--train-samples", "32")
    done(*common, "--run", "by-name", "--start-from", "teacher-0", *small)
    done(*common, "--run", "by-path", "--start-from", path, *small)
    one, other = (load_trained(cache / "runs" / run / "student.pt") for run in ("by-name", "by-path"))
    assert one.provenance == other.provenance
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_run_is_resumed_with_its_own_settings_only(
    cache: Path, small: tuple[str, ...], train: Train, done: Done
) -> None:
    """Another seed, rate, number of samples, width or role is refused, and the message names it."""
    common = ("--cache", cache, "--run", "kept", *small)
    done("student", *common, "--train-samples", "32", "--seed", "3")
    for more, named in (
        (("--train-samples", "32", "--seed", "4"), "seed 3, not 4"),
        (("--train-samples", "32", "--seed", "3", "--rate", "0.01"), "rate 0.002, not 0.01"),
        (("--train-samples", "64", "--seed", "3"), "samples 32, not 64"),
        (("--train-samples", "32", "--seed", "3", "--width", "192"), "width 288, not 192"),
    ):
        other = train("student", *common, *more)
        assert other.exit_code == 1, other.output
        assert named in " ".join(other.output.split())
        assert "another --run" in " ".join(other.output.split())
    teacher = train("teacher", *common, "--initialisation", "random", "--train-samples", "32", "--seed", "3")
    assert (teacher.exit_code, "role 'student', not 'teacher'" in teacher.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("teacher", "--initialisation", "random"), "facegauge-train labels"),
        (("student", "--pseudo-round", "3"), "facegauge-train pseudo-label --round 3"),
        (("student", "--run", "../out"), "a name below"),
        (("pseudo-label", "--teacher", "teacher-0"), "facegauge-train teacher"),
        (("teacher-outputs", "--teacher", "teacher-9"), "facegauge-train teacher"),
        (("compare", "--run", "none"), "facegauge-train teacher"),
        (("export", "--run", "none", "--name", "n", "--version", "1"), "has not finished"),
    ],
)
def test_what_is_missing_is_named(
    train: Train, arguments: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    """Without stores, teacher or student a command ends with the one that makes it."""
    (tmp_path / "runs" / "none").mkdir(parents=True)
    (tmp_path / "runs" / "none" / "checkpoint.pt").touch()
    result = train(*arguments, "--cache", tmp_path)
    assert (result.exit_code, named in result.output) == (1, True), result.output


def test_wrong_backbones_and_files_are_refused(cache: Path, small: tuple[str, ...], train: Train) -> None:
    """An unknown backbone, another run's, a file that is no training's, and one of another network."""
    unknown = train("student", "--cache", cache, "--backbone", "perceptron_9")
    assert (unknown.exit_code, "--backbone" in unknown.output) == (1, True)
    start = ("--start-from", "teacher-0", "--backbone", "edgenext_xx_small")
    other = train("teacher", "--cache", cache, "--run", "x", *start)
    assert (other.exit_code, small[1] in other.output) == (1, True)
    bad = cache / "runs" / "bad" / "student.pt"
    bad.parent.mkdir(exist_ok=True)
    bad.write_bytes(b"no weights")
    broken = train("compare", "--cache", cache, "--run", "bad")
    assert (broken.exit_code, "no file of a finished training" in broken.output) == (1, True)
    wrong = torch.load(cache / "runs" / "teacher-0" / "teacher.pt", weights_only=True)
    torch.save(wrong | {"backbone": "edgenext_xx_small"}, bad)
    foreign = train("compare", "--cache", cache, "--run", "bad")
    assert (foreign.exit_code, "train it again" in foreign.output) == (1, True)
