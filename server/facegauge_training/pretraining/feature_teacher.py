"""The teacher of features: EfficientNet-Lite0 with ImageNet's weights, in numbers small enough to keep.

For a picture it gives *statistics*, the mean and the logarithm of the deviation over space of every channel
of five stages (what tells a sharp face from a soft one is lost from the mean of the last map), and *maps* of
three stages, their channels reduced to a few directions: principal components of the normalised channels,
weighted so that strong ones do not drown the others, and together of unit variance.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from torch import nn

from facegauge_models.imagenet import load_imagenet
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError

__all__ = [
    "DIRECTIONS",
    "STATISTIC_WIDTHS",
    "STRIDES",
    "TEACHER",
    "FeatureTeacher",
    "TeacherOutputs",
    "statistics",
]

TEACHER = "tf_efficientnet_lite0"
STRIDES = (2, 4, 8, 16, 32)
CHANNELS = (16, 24, 40, 112, 320)
STATISTIC_WIDTHS = tuple(2 * channels for channels in CHANNELS)
"""Numbers a stage among the statistics: means, then logarithms of deviations."""
DIRECTIONS = {8: 24, 16: 48, 32: 64}
"""Stride of a stage whose map is kept -> channels it is reduced to."""
FLOOR = 1e-4
"""Added to a variance before its logarithm."""

Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """What the teacher says of n pictures."""

    statistics: Halves
    """(n, 1024)."""
    maps: dict[int, Halves]
    """Stride -> (n, directions, h / stride, w / stride)."""


def statistics(found: torch.Tensor) -> torch.Tensor:
    """Return means and logarithms of deviations over space, (n, 2 c), of a map (n, c, h, w)."""
    variance, mean = torch.var_mean(found.flatten(2), dim=2, correction=0)
    return torch.cat((mean, 0.5 * (variance + FLOOR).log()), dim=1)


class FeatureTeacher(nn.Module):
    """Answer about pixels (n, h, w, 3), RGB, 0-255; `fit_directions` comes before the first question."""

    def __init__(self) -> None:
        """Build the teacher.

        Raises:
            RecipeError: its weights' package is not installed.
        """
        super().__init__()
        self.network: Any = timm.create_model(TEACHER, features_only=True)
        try:
            load_imagenet(self.network, TEACHER, FaceStudent.MEAN, FaceStudent.SCALE)
        except ImportError as error:
            raise RecipeError(f"The teacher has no weights here: {error}") from error
        for stride, kept in DIRECTIONS.items():
            channels = CHANNELS[STRIDES.index(stride)]
            self.register_buffer(f"centre_{stride}", torch.zeros(channels))
            self.register_buffer(f"directions_{stride}", torch.zeros(kept, channels))
        self.eval().requires_grad_(requires_grad=False)

    def stages(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps (n, c, h, w) of the five stages."""
        normalised = (pixels.float() - FaceStudent.MEAN) / FaceStudent.SCALE
        maps: list[torch.Tensor] = self.network(normalised.permute(0, 3, 1, 2))
        return maps

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the statistics (n, 1024), then the reduced map of each stride of `DIRECTIONS`."""
        stages = self.stages(pixels)
        reduced = []
        for stride in DIRECTIONS:
            found = stages[STRIDES.index(stride)]
            directions = getattr(self, f"directions_{stride}")
            shift = directions @ getattr(self, f"centre_{stride}")
            reduced.append(nn.functional.conv2d(found, directions[:, :, None, None], -shift))
        return torch.cat([statistics(found) for found in stages], dim=1), *reduced

    @torch.no_grad()
    def fit_directions(self, pixels: torch.Tensor) -> None:
        """Choose the directions of the maps by pictures (n, h, w, 3), some dozens."""
        stages = [
            torch.cat(found) for found in zip(*(self.stages(part) for part in pixels.split(16)), strict=True)
        ]
        for stride, kept in DIRECTIONS.items():
            places = stages[STRIDES.index(stride)].permute(0, 2, 3, 1).flatten(0, 2)  # (places, c)
            deviations = places.std(dim=0) + 1e-6
            normalised = (places - places.mean(dim=0)) / deviations
            strengths, vectors = torch.linalg.eigh(normalised.T @ normalised / len(normalised))
            strengths, vectors = strengths.flip(0)[:kept].clamp(min=1e-6), vectors.flip(1)[:, :kept]
            signs = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True)).sign()
            weighted = (vectors * signs) / strengths**0.25  # variance: the root of what it was
            weighted = weighted / (strengths**0.5).mean().sqrt()
            getattr(self, f"centre_{stride}").copy_(places.mean(dim=0))
            getattr(self, f"directions_{stride}").copy_(weighted.T / deviations)

    def ready(self, device: torch.device) -> Callable[[npt.NDArray[np.uint8]], TeacherOutputs]:
        """Return a function from pixels, uint8 (n, h, w, 3), to outputs: by OpenVINO on a CPU."""
        if device.type == "cpu":
            import openvino  # here, since a GPU does without

            example = torch.zeros((2, 64, 64, 3), dtype=torch.uint8)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's of its tracer, which OpenVINO still uses
                model = openvino.convert_model(self, example_input=example)
            settings = {
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "INFERENCE_PRECISION_HINT": "f32",
                "ENABLE_CPU_PINNING": False,
            }
            compiled = openvino.Core().compile_model(model, "CPU", settings)

            def ask(pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
                found = compiled(pixels)
                return [found[n] for n in range(1 + len(DIRECTIONS))]
        else:
            self.to(device)

            def ask(pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
                with torch.no_grad():
                    return [found.cpu().numpy() for found in self(torch.from_numpy(pixels).to(device))]

        def outputs(pixels: npt.NDArray[np.uint8]) -> TeacherOutputs:
            first, *maps = (found.astype(np.float16) for found in ask(pixels))
            return TeacherOutputs(first, dict(zip(DIRECTIONS, maps, strict=True)))

        return outputs
