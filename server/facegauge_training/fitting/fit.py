"""Fit a student or a teacher to stores of labelled crops: progressive size, AdamW, an average of the weights.

Random patches at full scale first (fast), whole crops in the end, in one cosine. MSE + PLCC, the order within
each clip, what each cause costs, what a teacher says where there is one, and an exponential average of the
weights, which is the result. On a GPU the crops stay on the device and the network runs in bfloat16.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from facegauge_models.students import FaceStudent
from facegauge_training.common.average import follow
from facegauge_training.common.curves import draw_curves
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.loop import train
from facegauge_training.common.metrics import cause_metrics, validation_metrics
from facegauge_training.common.run_files import read_log
from facegauge_training.data.crop_set import CropSet
from facegauge_training.fitting.device_crops import DeviceCrops
from facegauge_training.fitting.loader import CropBatch, batches
from facegauge_training.fitting.schedule import Schedule, parameter_groups
from facegauge_training.fitting.teacher_loss import Distillation
from facegauge_training.losses.cause import CauseLoss
from facegauge_training.losses.mse_plcc import MSEPLCCLoss
from facegauge_training.losses.order import ClipOrderLoss

__all__ = ["Predictions", "fit", "predict"]

VALIDATIONS = 12
"""Times that the validation crops are scored in a training, at most."""
PREDICTED_AT_ONCE = 32


class Predictions(NamedTuple):
    """What a network says of n crops."""

    quality: npt.NDArray[np.float32]
    """(n,)."""
    causes: npt.NDArray[np.float32]
    """(n, 6)."""


def fit(
    network: FaceStudent,
    crops: CropSet,
    train_rows: npt.NDArray[np.intp],
    validation_rows: npt.NDArray[np.intp],
    folder: Path,
    schedule: Schedule,
    device: torch.device,
    distillation: Distillation | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FaceStudent:
    """Train a network in place, or resume from the folder's checkpoint.

    Args:
        network: takes crops (n, h, w, 3), 0-255, and gives quality (n,) and causes (n, 6), 0-1.
        crops: labelled, by whomever.
        train_rows: which of them to learn from.
        validation_rows: which of them, never trained on, to score now and then; may be none.
        folder: gets run.lock, checkpoint.pt, log.jsonl and curves.png.
        schedule: how long and how fast.
        device: to train on.
        distillation: what a teacher says of the crops.
        settings: others that a resumed run must share, besides the schedule and the crops.

    Returns:
        The averaged network, in evaluation mode.

    Raises:
        RecipeError: the loss is not finite, the checkpoint is broken or was made with other settings, or
            another
            process trains in the folder.
    """
    network.to(device).to(memory_format=torch.channels_last)
    if distillation:
        distillation.to(device)
    task = _Fitting(network, crops, train_rows, validation_rows, schedule, device, distillation)
    identity = _identity(crops, train_rows, schedule) | dict(settings or {})
    train(task, folder, identity, device, save_every_s=schedule.save_every_s)
    draw_curves(read_log(folder / "log.jsonl"), folder / "curves.png")
    return task.average


class _Fitting:
    """The steps of a training on labelled crops, as `loop.train` calls them."""

    name = "training"
    advice = "start another --run with a lower --rate"

    def __init__(
        self,
        network: FaceStudent,
        crops: CropSet,
        train_rows: npt.NDArray[np.intp],
        validation_rows: npt.NDArray[np.intp],
        schedule: Schedule,
        device: torch.device,
        distillation: Distillation | None,
    ) -> None:
        self.network = network
        self.average = copy.deepcopy(network).eval()
        groups = parameter_groups(network, distillation, schedule.backbone_rate)
        self.optimizer = torch.optim.AdamW(groups, fused=device.type == "cuda")
        self.step = 0
        self.total_steps = schedule.steps
        self._crops, self._train_rows, self._validation_rows = crops, train_rows, validation_rows
        self._schedule, self._device, self._distillation = schedule, device, distillation
        self._value_loss, self._order_loss, self._cause_loss = MSEPLCCLoss(), ClipOrderLoss(), CauseLoss()
        self._resident = DeviceCrops(crops, device) if device.type == "cuda" else None

    @property
    def clipped(self) -> list[Iterator[torch.nn.Parameter]]:
        return [self.network.parameters()]

    @property
    def _parts(self) -> dict[str, Any]:
        parts = {"student": self.network, "average": self.average, "optimizer": self.optimizer}
        return parts | ({"distillation": self._distillation} if self._distillation else {})

    def state(self) -> dict[str, Any]:
        return {"step": self.step, **{name: part.state_dict() for name, part in self._parts.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        try:
            for name, part in self._parts.items():
                part.load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise RecipeError(
                f"The checkpoint is of another network ({str(error)[:200]}): give another --run."
            ) from error
        self.step = int(state["step"])

    def batches(self) -> Iterator[CropBatch]:
        for stage in self._schedule.stages():
            if self.step >= stage.end_step:
                continue
            for batch in self._coming(stage.patch):
                yield batch
                if self.step >= stage.end_step:
                    break

    def _coming(self, patch: float) -> Iterator[CropBatch]:
        size, seed = self._schedule.batch, self._schedule.seed
        if self._resident:
            return self._resident.batches(self._train_rows, size, seed, self.step, patch)
        return batches(self._crops, self._train_rows, size, seed, self.step, patch)

    def loss(self, batch: CropBatch) -> torch.Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = self._schedule.rate_at(self.step) * group.get("share", 1.0)
        device = self._device
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            pooled = self.network.pooled(batch.pixels.to(device))
        features = self.network.features(pooled)
        scores = self.network.score(features)
        causes = self.network.causes(pooled, scores)
        valued = batch.valued.to(device)
        loss: torch.Tensor = self._value_loss(scores[valued], batch.labels.to(device)[valued])
        order = self._order_loss(scores, batch.order_keys.to(device), batch.clips.to(device))
        loss = loss + self._schedule.order_weight * order
        loss = loss + self._cause_loss(causes[valued], batch.gains.to(device)[valued])
        if self._distillation:
            loss = loss + self._distillation(batch.rows, scores, causes, features)
        return loss

    def advance(self) -> None:
        self.step += 1
        follow(self.average, self.network, min(0.998, (1 + self.step) / (10 + self.step)))

    def describe(self) -> dict[str, Any]:
        stage = next(stage for stage in self._schedule.stages() if self.step <= stage.end_step)
        return {"stage": stage.name, "rate": self._schedule.rate_at(self.step - 1)}

    def validate(self) -> dict[str, Any] | None:
        every = -(-self.total_steps // VALIDATIONS)
        due = self.step % every == 0 or self.step == self.total_steps
        if not due or not len(self._validation_rows):
            return None
        said = predict(self.average, self._crops, self._validation_rows, self._device)
        labels = self._crops.labels[self._validation_rows].astype(np.float64)
        gains = self._crops.gains[self._validation_rows].astype(np.float64)
        return {
            **validation_metrics(said.quality.astype(np.float64), labels),
            **cause_metrics(said.causes.astype(np.float64), gains),
        }


def _identity(crops: CropSet, rows: npt.NDArray[np.intp], schedule: Schedule) -> dict[str, Any]:
    """Return what decides the outcome of a training, under the names by which a person sets it."""
    values = {name: value for name, value in asdict(schedule).items() if name != "save_every_s"}
    digest = hashlib.sha256(rows.astype(np.int64).tobytes() + crops.labels[rows].tobytes())
    return values | {"crops to train on": len(rows), "their labels' hash": digest.hexdigest()[:12]}


@torch.no_grad()
def predict(
    network: torch.nn.Module, crops: CropSet, chosen: npt.NDArray[np.intp], device: torch.device
) -> Predictions:
    """Return what a network, in float32, says of the chosen crops."""
    network.eval()
    parts = []
    for at in range(0, len(chosen), PREDICTED_AT_ONCE):
        pixels = np.stack([crops[int(i)] for i in chosen[at : at + PREDICTED_AT_ONCE]])
        parts.append([given.cpu().numpy() for given in network(torch.from_numpy(pixels).to(device))])
    return Predictions(*(np.concatenate(part) for part in zip(*parts, strict=True)))
