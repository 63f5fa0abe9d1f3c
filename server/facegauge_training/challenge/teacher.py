"""A trained network that another learns from: its scores, its grades, or labels for pictures without any."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

import facegauge_models
from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.objective import TeacherOutputs
from facegauge_training.challenge.onnx_file import Exported
from facegauge_training.challenge.pictures import Pictures, Rows, read_pictures, write_table
from facegauge_training.challenge.prepare import prepare_mixed
from facegauge_training.challenge.weights import load_network
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import logistic_fit
from facegauge_training.data.crop_set import crop_height
from facegauge_training.fitting.checkpoint import load_trained

__all__ = ["Teacher", "pseudo_label"]

FITTED_ON = 2000
"""Labelled pictures that the curve from the teacher's scores to labels is fitted on, at most."""
OURS = ("student.pt", "teacher.pt")
"""Files of a student or a teacher of ours, which take pixels."""
BATCH = 64
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


class Teacher:
    """Predicts for a picture as its own preprocessing shows it, each picture once.

    On a CPU each by itself, so that its output is the same to the last bit whatever else is in the batch.

    Attributes:
        system: its name: one of the zoo's, or the run of a student or a teacher of ours.
        graded: whether it gives embeddings and grades, not scores alone.
    """

    def __init__(self, file: Path, device: torch.device) -> None:
        """Load the teacher.

        Args:
            file: model.pt of a system's training, student.pt or teacher.pt of ours, or an ONNX file.
            device: to compute on; an ONNX file stays on the CPU.

        Raises:
            RecipeError: the file is missing or is none of these.
        """
        self.device = device
        self.network: Any = None
        self._exported = Exported(file) if file.suffix == ".onnx" else None
        self._how: Preprocessing | None = None
        if self._exported is not None:
            self.system = self._exported.system
        elif file.name in OURS:
            trained = load_trained(file)
            self.system, self.network, self._width = trained.name, trained.network, trained.width
        else:
            self.system, self.network = load_network(file)
            self._how = facegauge_models.info(self.system).test
        if self.network is not None:
            self.network.requires_grad_(False).to(device)
        self.fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        self.graded = hasattr(self.network, "grades") and hasattr(self.network, "embed")
        self._outputs: dict[str, tuple[torch.Tensor, ...]] = {}

    def predict(self, pictures: Rows, rows: Sequence[int]) -> TeacherOutputs:
        """Return the teacher's outputs for some rows."""
        missing = [i for i in rows if pictures.names[i] not in self._outputs]
        at_once = BATCH if self.device.type == "cuda" else 1
        for at in range(0, len(missing), at_once):
            part = missing[at : at + at_once]
            for i, *outputs in zip(part, *self._compute(pictures, part), strict=True):
                self._outputs[pictures.names[i]] = tuple(outputs)
        kept = zip(*(self._outputs[pictures.names[i]] for i in rows), strict=True)
        return TeacherOutputs(*(torch.stack(parts) for parts in kept))

    @torch.no_grad()
    def _compute(self, pictures: Rows, rows: list[int]) -> tuple[torch.Tensor, ...]:
        """Return scores (n,), and embeddings and grades (n, ...) if it has them."""
        if self._exported is not None:
            return (torch.from_numpy(self._exported.score(pictures, rows)).to(self.device),)
        shown = [pictures[i] for i in rows]
        if self._how is None:
            size = (self._width, crop_height(self._width))
            pixels = np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in shown])
            given = self.network(torch.from_numpy(pixels).to(self.device))
            return (given[0] if isinstance(given, tuple) else given,)
        seen = prepare_mixed(shown, self._how, self.device)
        if not self.graded:
            return (self.network(seen),)
        embedding = self.network.embed(seen)
        grades = self.network.grades(embedding)
        return (grades.softmax(1) * self.network.values).sum(1), embedding, grades


def pseudo_label(teacher: Teacher, unlabelled: Path, labelled: Pictures, folder: Path) -> Pictures:
    """Return a folder's pictures with the teacher's scores as labels, mapped by a curve onto real labels.

    Args:
        teacher: labels.
        unlabelled: folder of pictures.
        labelled: what the curve of four parameters is fitted on, as the winner did.
        folder: gets a CSV of this teacher's labels for these pictures: a second call only reads it.

    Raises:
        RecipeError: the folder has no pictures, or one cannot be read.
    """
    names = sorted(str(p.resolve()) for p in unlabelled.glob("*") if p.suffix.lower() in SUFFIXES)
    if not names:
        raise RecipeError(f"There is no picture in {unlabelled}: point --unlabelled at a folder of them.")
    digest = hashlib.sha256("\n".join((teacher.fingerprint, labelled.fingerprint(), *names)).encode())
    table = folder / f"pseudo-{digest.hexdigest()[:12]}.csv"
    if not table.is_file():
        known = labelled.take(np.arange(len(labelled))[:FITTED_ON])
        curve = logistic_fit(_scores(teacher, known, "fitting"), known.scores.astype(np.float64))
        count = len(names)
        bare = Pictures(
            unlabelled, unlabelled, tuple(names), np.zeros(count, np.float32), tuple(names), (0,) * count
        )
        labels = curve(_scores(teacher, bare, "pseudo-labelling")).clip(0, 1).round(6)
        write_table(table, ("image", "score"), zip(names, labels, strict=True))
    return read_pictures(unlabelled, table, decode=False, least=1)


def _scores(teacher: Teacher, pictures: Rows, what: str) -> npt.NDArray[np.float64]:
    scores = [float(teacher.predict(pictures, (i,)).scores[0]) for i in track(range(len(pictures)), what)]
    return np.array(scores)
