"""Engines that run the student: OpenVINO on a CPU (the default), torch on a GPU (the extra `torch`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from facegauge_server.engines.precision import AUTO, choose
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadConfiguration
from facegauge_server.types import CauseKind, RawScores

__all__ = ["Engine", "create_engine", "engine_kind"]


class Engine(Protocol):
    """Scores crops. Safe to call from as many threads as it was created for."""

    @property
    def name(self) -> str:
        """`openvino` or `torch`."""

    @property
    def precision(self) -> str:
        """Arithmetic that it computes in, such as `f32`."""

    @property
    def gains_from_batches(self) -> bool:
        """Whether a batch takes less than its crops one by one, so that crops should wait for others."""

    @property
    def causes(self) -> tuple[CauseKind, ...]:
        """The student's causes, in the order of the costs."""

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        """Score a batch: uint8 RGB (n, height, width, 3) in, n scores out."""

    def close(self) -> None:
        """Give back memory and threads; `score` must not be called any more."""


def engine_kind(kind: str) -> str:
    """Return what `auto` stands for here, or the kind itself.

    Raises BadConfiguration for one that does not exist.
    """
    if kind == "auto":
        return "torch" if _torch_sees_a_gpu() else "openvino"
    if kind not in ("openvino", "torch"):
        raise BadConfiguration(f"--engine {kind}: choose auto, openvino or torch")
    return kind


def create_engine(kind: str, student: Student, threads: int, precision: str = AUTO) -> Engine:
    """Load a student into an engine.

    Args:
        kind: `openvino`, `torch`, or `auto`: torch where it is installed and sees a GPU, else openvino.
        student: from `load_student`.
        threads: number that will call `score` at the same time.
        precision: arithmetic; `auto` for the fastest that scores as `f32` does (`precision.py`).

    Raises:
        BadConfiguration: the engine is unknown, its package is missing, or it cannot do the precision.
        BadModel: the engine cannot load the student.
    """
    if engine_kind(kind) == "openvino":
        from facegauge_server.engines.openvino import OpenVinoEngine

        make = partial(OpenVinoEngine, student, threads)
        return choose(precision, OpenVinoEngine.precisions(), student, make)
    try:
        from facegauge_server.engines.torch import TorchEngine
    except ImportError as error:
        raise BadConfiguration(
            f"--engine torch needs the package {error.name}: install facegauge-server[torch]"
        ) from error
    return choose(precision, TorchEngine.precisions(), student, partial(TorchEngine, student))


def _torch_sees_a_gpu() -> bool:
    """Look for torch only where there is a GPU's device file: importing it takes seconds."""
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return False
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
