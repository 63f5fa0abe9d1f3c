"""A trained network that another learns from: its scores, its grades, or labels for pictures without any."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

import facegauge_models
from facegauge_training.challenge.objective import TeacherOutputs
from facegauge_training.challenge.onnx_file import Exported
from facegauge_training.challenge.pictures import Pictures, read_pictures, write_table
from facegauge_training.challenge.prepare import prepare
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import logistic_fit

__all__ = ["Teacher", "load_network", "pseudo_label"]

FITTED_ON = 2000
"""Labelled pictures that the curve from the teacher's scores to labels is fitted on, at most."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def load_network(checkpoint: Path) -> tuple[str, Any]:
    """Return the system's name and its network, in evaluation mode, of a finished training's `model.pt`.

    Raises:
        RecipeError: the file is missing, or is no such checkpoint.
    """
    if not checkpoint.is_file():
        raise RecipeError(f"There is no {checkpoint}: give the model.pt of a finished training.")
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network = facegauge_models.create(saved["system"])
        network.load_state_dict(saved["weights"])
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{checkpoint} is no model.pt of `facegauge-train challenge`: {error}") from error
    return str(saved["system"]), network.eval()


class Teacher:
    """Predicts for a picture as its own preprocessing shows it, each picture once, by itself.

    By itself, so that its output is the same to the last bit whatever else is in the batch.

    Attributes:
        system: its name.
        graded: whether it gives embeddings and grades, not scores alone.
    """

    def __init__(self, file: Path, device: torch.device) -> None:
        """Load the teacher: the model.pt of a training, or an ONNX file, which gives scores alone.

        Raises:
            RecipeError: the file is missing or is none.
        """
        self.device = device
        self.network: Any = None
        self._exported = Exported(file) if file.suffix == ".onnx" else None
        if self._exported is not None:
            self.system = self._exported.system
        else:
            self.system, self.network = load_network(file)
            self.network.requires_grad_(False).to(device)
        self.fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        self.graded = hasattr(self.network, "grades") and hasattr(self.network, "embed")
        self._outputs: dict[str, tuple[torch.Tensor, ...]] = {}

    @torch.no_grad()
    def predict(self, pictures: Pictures, rows: tuple[int, ...]) -> TeacherOutputs:
        """Return the teacher's outputs for some rows."""
        outputs = [self._output(pictures, i) for i in rows]
        if not self.graded:
            return TeacherOutputs(torch.cat([output[0] for output in outputs]))
        scores, embeddings, grades = (torch.cat(parts) for parts in zip(*outputs, strict=True))
        return TeacherOutputs(scores, embeddings, grades)

    def _output(self, pictures: Pictures, i: int) -> tuple[torch.Tensor, ...]:
        name = pictures.names[i]
        if name not in self._outputs and self._exported is not None:
            score = self._exported.score(pictures, (i,))
            self._outputs[name] = (torch.from_numpy(score).to(self.device),)
        elif name not in self._outputs:
            test = facegauge_models.info(self.system).test
            seen = torch.from_numpy(prepare(pictures[i], test))[None].to(self.device)
            if self.graded:
                embedding = self.network.embed(seen)
                grades = self.network.grades(embedding)
                self._outputs[name] = ((grades.softmax(1) * self.network.values).sum(1), embedding, grades)
            else:
                self._outputs[name] = (self.network(seen),)
        return self._outputs[name]


def pseudo_label(teacher: Teacher, unlabelled: Path, labelled: Pictures, table: Path) -> Pictures:
    """Return a folder's pictures with the teacher's scores as labels, mapped by a curve onto real labels.

    Args:
        teacher: labels.
        unlabelled: folder of pictures.
        labelled: what the curve of four parameters is fitted on, as the winner did.
        table: CSV that keeps the result: a second call only reads it.

    Raises:
        RecipeError: the folder has no pictures, or one cannot be read.
    """
    if not table.is_file():
        names = sorted(str(p.resolve()) for p in unlabelled.glob("*") if p.suffix.lower() in SUFFIXES)
        if not names:
            raise RecipeError(f"There is no picture in {unlabelled}: point --unlabelled at a folder of them.")
        known = labelled.take(np.arange(len(labelled))[:FITTED_ON])
        outputs = [float(teacher.predict(known, (i,)).scores) for i in track(range(len(known)), "fitting")]
        curve = logistic_fit(np.array(outputs), known.scores.astype(np.float64))
        count = len(names)
        bare = Pictures(
            unlabelled, unlabelled, tuple(names), np.zeros(count, np.float32), tuple(names), (0,) * count
        )
        scores = [float(teacher.predict(bare, (i,)).scores) for i in track(range(count), "pseudo-labelling")]
        labels = curve(np.array(scores)).clip(0, 1).round(6)
        write_table(table, ("image", "score"), zip(names, labels, strict=True))
    return read_pictures(unlabelled, table, decode=False, least=1)
