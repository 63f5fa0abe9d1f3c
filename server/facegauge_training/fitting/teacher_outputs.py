"""Compute a teacher's scores, causes and features of labelled crops, once, and keep them for the students.

    CACHE/teacher-outputs/RUN@HASH/STORE/KEY.npy    float16 (crops, 1 + causes + features), a file a photo

Without a GPU, OpenVINO computes them in half of torch's time. A killed run resumes; a second one finds
everything there. A student learns from as many as there are.
"""

from __future__ import annotations

import queue
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import nn

from facegauge_models.causes import CAUSES
from facegauge_models.students import FaceStudent
from facegauge_server.block_import import blocked
from facegauge_server.types import Pixels
from facegauge_training.common.atomic import atomic_file
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.fitting.checkpoint import Trained
from facegauge_training.fitting.teacher_loss import TeacherOutputs

__all__ = ["compute_teacher_outputs", "outputs_path", "read_teacher_outputs"]

Floats = npt.NDArray[np.float32]
Predict = Callable[[Pixels], Floats]
"""Crops, uint8 (n, height, width, 3) -> score, causes and features, (n, 1 + causes + features)."""


def outputs_path(cache: Path, teacher: str, row: dict[str, Any]) -> Path:
    """Return where a teacher's outputs of the photo of a crop's row are."""
    return cache / "teacher-outputs" / teacher / str(row["store"]) / f"{row['key']}.npy"


def compute_teacher_outputs(
    cache: Path, teacher: Trained, crops: CropSet, device: torch.device, threads: int
) -> int:
    """Compute and keep what is missing of a teacher's outputs, and return of how many photos that was.

    Args:
        cache: gets them.
        teacher: its network is moved to the device.
        crops: at the teacher's width.
        device: a GPU for torch, else OpenVINO computes.
        threads: of OpenVINO.
    """
    head = _AllOutputs(teacher.network).eval()
    if device.type == "cuda":
        predict = _on_gpu(head, device)
    else:
        predict = _on_cpu(head, crop_height(teacher.width), teacher.width, threads)
    places = groupby(range(len(crops)), lambda i: outputs_path(cache, teacher.name, crops.rows[i]))
    missing = [(path, list(numbers)) for path, numbers in places if not path.is_file()]
    np.random.default_rng(0).shuffle(missing)  # a part of the outputs is a part of every store

    def compute_and_keep(photo: tuple[Path, list[int]]) -> None:
        path, numbers = photo
        outputs = predict(np.stack([crops[i] for i in numbers]))
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            np.save(file, outputs.astype(np.float16))

    with ThreadPoolExecutor(1 if device.type == "cuda" else threads) as pool:
        for _ in track(pool.map(compute_and_keep, missing), f"outputs of {teacher.name}", total=len(missing)):
            pass
    return len(missing)


def read_teacher_outputs(cache: Path, teacher: str, crops: CropSet) -> TeacherOutputs:
    """Return what a teacher says of all crops, NaN where it was not asked.

    Args:
        cache: with the stores and the outputs.
        teacher: its name and fingerprint, `RUN@HASH`.
        crops: all of some stores.

    Raises:
        RecipeError: there are none, or they are of other crops.
    """
    places = groupby(range(len(crops)), lambda i: outputs_path(cache, teacher, crops.rows[i]))
    found = [(path, list(numbers), np.load(path)) for path, numbers in places if path.is_file()]
    if not found:
        raise RecipeError(
            f"There are no outputs of {teacher} for these crops: run `facegauge-train teacher-outputs "
            f"--teacher {teacher.split('@')[0]}` first."
        )
    outputs = np.full((len(crops), found[0][2].shape[1]), np.nan, np.float32)
    for path, numbers, part in found:
        if len(part) != len(numbers):
            raise RecipeError(
                f"{path} has outputs for {len(part)} crops, the store holds {len(numbers)}: delete "
                f"{cache / 'teacher-outputs' / teacher} and run `facegauge-train teacher-outputs` again."
            )
        outputs[numbers] = part
    scores, causes, features = np.split(outputs, (1, 1 + len(CAUSES)), axis=1)
    return TeacherOutputs(scores[:, 0], causes, features)


class _AllOutputs(nn.Module):
    """A network's score, causes and features: (n, 1 + causes + features)."""

    def __init__(self, network: FaceStudent) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        pooled = self._network.pooled(pixels)
        features = self._network.features(pooled)
        score = self._network.score(features)
        return torch.cat((score[:, None], self._network.causes(pooled, score), features), dim=1)


def _on_gpu(head: _AllOutputs, device: torch.device) -> Predict:
    head.to(device).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def predict(crops: Pixels) -> Floats:
        return np.asarray(head(torch.from_numpy(crops).to(device)).float().cpu().numpy())

    return predict


def _on_cpu(head: _AllOutputs, height: int, width: int, threads: int) -> Predict:
    """Predict one crop after another, since a batch gains nothing on a CPU, on the calling thread."""
    with blocked("openvino_telemetry"):
        import openvino  # here, since a GPU does without
    example = torch.zeros((1, height, width, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's: sizes are fixed
        model = openvino.convert_model(head, example_input=example, input=list(example.shape))
    settings = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
    for _ in range(threads):
        idle.put(openvino.Core().compile_model(model, "CPU", settings).create_infer_request())

    def predict(crops: Pixels) -> Floats:
        request = idle.get()
        try:
            return np.concatenate([request.infer({0: crop[None]})[0].copy() for crop in crops])
        finally:
            idle.put(request)

    return predict
