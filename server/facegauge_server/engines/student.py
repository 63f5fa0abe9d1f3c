"""A student on disk: an ONNX file and the manifest that says what it is, checked against each other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facegauge_server import crop_spec
from facegauge_server.errors import BadModel
from facegauge_server.types import CauseKind

__all__ = ["CAUSES", "INPUT", "MODELS", "QUALITY", "Student", "load_student", "shipped_students"]

MODELS = Path(__file__).parent.parent / "assets" / "models"
"""The students that come with the server, a folder each."""

INPUT, QUALITY, CAUSES = "pixels", "quality", "causes"
"""Names of a network's input and outputs."""

DEFAULT = "default"
"""Stands for the student that `assets/models/default.txt` names."""


@dataclass(frozen=True, slots=True)
class Student:
    """A network that scores crops, as ONNX: `pixels` uint8 (n, height, width, 3) to float32, 0-1.

    It gives `quality` (n,), and where it names causes `causes` (n, their number): the quality that would come
    back without each.
    """

    name: str
    onnx_path: Path
    sha256: str
    input_width: int
    """Pixels."""
    input_height: int
    manifest: dict[str, Any]
    """All that the manifest says, such as measured figures and sources."""
    causes: tuple[CauseKind, ...] = ()
    """Causes in the order of the network's output; empty for a network without them."""

    @property
    def outputs(self) -> dict[str, int]:
        """Outputs of the network that are read, and how many figures each has for a crop."""
        return {QUALITY: 1} | ({CAUSES: len(self.causes)} if self.causes else {})

    def check_ends(self, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        """Raise BadModel for a network that takes anything but pixels, or lacks an output."""
        if list(inputs) != [INPUT] or not set(self.outputs) <= set(outputs):
            ends = " and ".join(f"`{name}`" for name in self.outputs)
            raise BadModel(f"{self.onnx_path} must take `{INPUT}` and give {ends}")

    def check_length(self, output: str, length: int) -> None:
        """Raise BadModel for an output with another number of figures for a crop than the manifest says."""
        if length != self.outputs[output]:
            raise BadModel(
                f"{self.onnx_path} gives {length} figures as `{output}`, its manifest names "
                f"{self.outputs[output]}"
            )


def shipped_students() -> list[str]:
    """Return the names of the students that ship."""
    return sorted(path.parent.name for path in MODELS.glob("*/manifest.json"))


def load_student(name_or_path: str) -> Student:
    """Load a student by the name of a shipped one, or from a folder with a `manifest.json`.

    Raises BadModel with what is wrong: no such student, a manifest that lacks something, a file whose size
    or hash differs, or a student trained on another crop than the one served.
    """
    name = (MODELS / "default.txt").read_text().strip() if name_or_path == DEFAULT else name_or_path
    shipped = shipped_students()
    folder = MODELS / name if name in shipped else Path(name)
    manifest_path = folder / "manifest.json"
    if not os.path.isfile(manifest_path):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        raise BadModel(
            f"--model {name}: no such student (shipped: {', '.join(shipped)}) "
            "and no folder with a manifest.json"
        )
    try:
        manifest = json.loads(manifest_path.read_text())
        student = Student(
            name=manifest["name"],
            onnx_path=folder / manifest["file"],
            sha256=manifest["sha256"],
            input_width=int(manifest["input"]["width"]),
            input_height=int(manifest["input"]["height"]),
            manifest=manifest,
            causes=_causes(manifest),
        )
        trained_crop, expected_bytes = manifest["crop"], int(manifest["bytes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModel(f"{manifest_path} is no manifest of a student: {error!r}") from error
    _check_file(student, expected_bytes)
    served_crop = crop_spec.manifest_entry()
    if trained_crop != served_crop:
        raise BadModel(
            f"student {student.name} was trained on the crop {trained_crop}, this server cuts {served_crop}: "
            "export it again with this version"
        )
    return student


def _causes(manifest: dict[str, Any]) -> tuple[CauseKind, ...]:
    """Read the causes; raises ValueError for one that this server does not know, or that comes twice."""
    causes = tuple(map(CauseKind, manifest.get("outputs", {}).get(CAUSES, ())))
    for cause in causes:
        if cause.is_fault:
            raise ValueError(f"{cause} is a fault of a stream, which no student sees")
    if len(set(causes)) < len(causes):
        raise ValueError(f"a cause twice in {', '.join(causes)}")
    return causes


def _check_file(student: Student, expected_bytes: int) -> None:
    try:
        data = student.onnx_path.read_bytes()
    except OSError as error:
        raise BadModel(f"cannot read {student.onnx_path}: {error.strerror}") from error
    if len(data) != expected_bytes:
        raise BadModel(
            f"{student.onnx_path} has {len(data)} bytes, its manifest says {expected_bytes}: install again"
        )
    if hashlib.sha256(data).hexdigest() != student.sha256:
        raise BadModel(f"{student.onnx_path} has another hash than its manifest says: install again")
