"""A student's folder is checked before it serves: each fault is one sentence that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facegauge_server.engines.student import MODELS, load_student
from facegauge_server.errors import BadModel
from facegauge_server.types import CauseKind
from tests.tiny_student import HEIGHT, OUTPUTS, WIDTH

from .conftest import WriteStudent


def test_a_folder_that_fits_together_loads(write_student: WriteStudent) -> None:
    """Name, size and hash come from the manifest."""
    folder = write_student()
    student = load_student(str(folder))
    assert student.name == "tiny"
    assert (student.input_width, student.input_height) == (WIDTH, HEIGHT)
    assert student.onnx_path == folder / "model.onnx"
    assert len(student.sha256) == 64
    assert student.manifest["file"] == "model.onnx"
    assert student.causes == ()


def test_causes_come_in_the_networks_order(write_student: WriteStudent) -> None:
    """The manifest's list is the order of the output."""
    student = load_student(str(write_student(outputs=OUTPUTS)))
    assert student.causes == (CauseKind.BLUR, CauseKind.NOISE, CauseKind.COMPRESSION)


def test_the_shipped_students_load() -> None:
    """Every student that ships passes its own checks, and `default` is one of them."""
    names = {path.parent.name for path in MODELS.glob("*/manifest.json")}
    assert names
    assert {load_student(name).name for name in names} == names
    default = load_student("default")
    assert default.name in names
    assert default.manifest["gflops"] < 0.5
    assert default.manifest["parameters"] < 5_000_000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "another hash"),
        ({"bytes": 1}, "its manifest says 1"),
        ({"file": "elsewhere.onnx"}, "cannot read .*elsewhere.onnx: No such file"),
        ({"name": None}, "no manifest of a student: KeyError\\('name'\\)"),
        ({"input": {"width": "wide", "height": 1}}, "no manifest of a student: ValueError"),
        ({"outputs": {"causes": ["blur", "greed"]}}, "'greed' is not a valid CauseKind"),
        ({"outputs": {"causes": ["freeze"]}}, "freeze is a fault of a stream"),
        ({"outputs": {"causes": ["blur", "blur"]}}, "a cause twice"),
        ({"input": 288}, "no manifest of a student: TypeError"),
        ({"crop": None}, "no manifest of a student: KeyError\\('crop'\\)"),
        ({"crop": {"aspect_ratio": 1.0}}, "trained on the crop .*export it again"),
    ],
)
def test_what_does_not_fit_is_refused(
    write_student: WriteStudent, changes: dict[str, Any], reason: str
) -> None:
    """A wrong hash, size, file, entry or crop is a BadModel that says which."""
    folder = write_student(**changes)
    with pytest.raises(BadModel, match=reason) as caught:
        load_student(str(folder))
    assert "\n" not in str(caught.value)


def test_a_model_changed_on_disk_is_refused(write_student: WriteStudent) -> None:
    """One flipped bit of the network is seen."""
    folder = write_student()
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(BadModel, match="another hash"):
        load_student(str(folder))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"tiny"', "\x00\xff"])
def test_a_manifest_that_is_none_is_refused(write_student: WriteStudent, text: str) -> None:
    """Damaged JSON, and JSON of another shape, name the manifest."""
    folder = write_student()
    (folder / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadModel, match=r"manifest\.json is no manifest"):
        load_student(str(folder))


@pytest.mark.parametrize("name", ["nobody", "", "../..", "a" * 5000])
def test_an_unknown_student_is_refused(name: str) -> None:
    """Whoever mistypes a name reads which students there are."""
    with pytest.raises(BadModel, match=r"no such student \(shipped: ") as caught:
        load_student(name)
    shipped = json.loads(
        (MODELS / (MODELS / "default.txt").read_text().strip() / "manifest.json").read_text()
    )
    assert shipped["name"] in str(caught.value)


def test_a_student_named_by_a_relative_path(
    write_student: WriteStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--model .` takes the folder one stands in."""
    monkeypatch.chdir(write_student())
    assert load_student(".").onnx_path == Path("model.onnx")
