"""Write a trained system as an ONNX file that says how its pictures are prepared, and score pictures with it.

`pictures` float32 (n, 3, height, width), prepared as the system tests -> `quality` float32 (n,).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from rich.progress import track

import facegauge_models
from facegauge_models import Model
from facegauge_models.measure import onnx_bytes, onnx_difference, onnx_session, picture_example
from facegauge_server.stages.crop import crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.prepare import by_size, prepare_mixed
from facegauge_training.common.atomic import atomic_file
from facegauge_training.common.errors import RecipeError

__all__ = ["Exported", "export", "score_pictures"]

Floats = npt.NDArray[np.float64]
SYSTEM = "facegauge.system"
"""The key of the system's name in the file's metadata."""
MAX_DIFFERENCE = 1e-4
BATCH = 16
NATIVE = 1 << 30
"""Lines of a display that shows every pixel."""
CPU = torch.device("cpu")


def export(network: torch.nn.Module, model: Model, pictures: Rows, path: Path) -> float:
    """Write the network, and return the largest difference to torch on some pictures.

    The file of a system that scores pictures at their native size takes any size.

    Raises:
        RecipeError: ONNX Runtime and torch disagree.
    """
    network = network.cpu().eval()
    example = picture_example(*model.input_size)
    graph = onnx.load_from_string(onnx_bytes(network, example, any_size=model.test.native))
    onnx.helper.set_model_props(graph, {SYSTEM: model.name})
    coded = graph.SerializeToString()
    seen = by_size([_prepared(pictures[i], model) for i in range(min(8, len(pictures)))])
    difference = max(onnx_difference(network, coded, stack) for _, stack in seen)
    if not difference <= MAX_DIFFERENCE:
        raise RecipeError(
            f"ONNX Runtime and torch are {difference:.1e} apart on {model.name} (at most {MAX_DIFFERENCE}): "
            "report this; the weights in model.pt are whole."
        )
    with atomic_file(path) as file:
        file.write(coded)
    return difference


class Exported:
    """An ONNX file that scores pictures: a system of the zoo, or a student that takes pixels.

    Attributes:
        system: its name in the zoo, `student` for a student.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the file.

        Raises:
            RecipeError: it is missing, or is neither.
        """
        if not path.is_file():
            raise RecipeError(f"There is no {path}: train first, `facegauge-train challenge`.")
        try:
            self._session = onnx_session(path, threads)
            entry = self._session.get_inputs()[0]
            system = self._session.get_modelmeta().custom_metadata_map.get(SYSTEM, "")
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise RecipeError(f"{path} is no model that ONNX Runtime can load: {error}") from error
        student = entry.name == "pixels"
        if not student and not system:
            raise RecipeError(
                f"{path} does not say which system it is: export it by `facegauge-train challenge`."
            )
        self.system = "student" if student else system
        self._entry = entry.name
        self._model = None if student else facegauge_models.info(system)
        self._size = tuple(int(n) for n in entry.shape[1:3]) if student else None

    @property
    def cuts_at_random(self) -> bool:
        """Whether the system's team scored a random patch of a picture."""
        return self._model is not None and self._model.test.position == "random"

    def score(self, pictures: Rows, rows: Sequence[int], draw: int | None = None) -> npt.NDArray[np.float32]:
        """Return the scores (n,) of some rows; those of one size are a batch.

        Args:
            pictures: of the rows.
            rows: their numbers.
            draw: score a random patch by this seed, instead of the centre.
        """
        scores = np.empty(len(rows), np.float32)
        seen = [self._seen(pictures[i], None if draw is None else (draw, i)) for i in rows]
        for places, stack in by_size(seen):
            scores[places] = self._session.run(["quality"], {self._entry: stack})[0]
        return scores

    def _seen(self, picture: Pixels, draws: tuple[int, int] | None) -> npt.NDArray[Any]:
        """Return a picture as the file takes it: prepared, or for a student resized."""
        if self._model is not None:
            return _prepared(picture, self._model, draws)
        assert self._size is not None  # noqa: S101 - a file has a system or is a student's
        height, width = self._size
        if picture.shape[:2] == self._size:
            return picture
        return crop_region(picture, Box(0, 0, picture.shape[1], picture.shape[0]), width, height, NATIVE)


def score_pictures(path: Path, pictures: Rows, threads: int = 1, patches: int | None = None) -> Floats:
    """Return the scores (n,) of an ONNX file: a system of the zoo, or a student that takes pixels.

    Args:
        path: of the file.
        pictures: to score.
        threads: of the CPU.
        patches: mean over so many random patches of a picture, instead of the score of its centre.

    Raises:
        RecipeError: the file is missing, or is neither, or its team scored no random patches.
    """
    file = Exported(path, threads)
    if patches is not None and not file.cuts_at_random:
        raise RecipeError(f"{file.system} scores no random patches of a picture: leave --patches out.")
    draws: list[int | None] = [None] if patches is None else list(range(patches))
    scores = [
        np.mean([file.score(pictures, range(at, min(at + BATCH, len(pictures))), d) for d in draws], axis=0)
        for at in track(range(0, len(pictures), BATCH), "scoring", transient=True)
    ]
    return np.concatenate(scores).astype(np.float64)


def _prepared(picture: Pixels, model: Model, draws: tuple[int, int] | None = None) -> npt.NDArray[np.float32]:
    rng = None if draws is None else np.random.default_rng(draws)
    return np.asarray(prepare_mixed([picture], model.test, CPU, rng)[0].contiguous().numpy())
