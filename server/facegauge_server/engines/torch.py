"""torch: the engine for GPUs (the extra `torch`). Runs on a CPU too, where OpenVINO is the faster one.

A student ships as ONNX alone; onnx2torch turns its graph into a torch module, so that one file is what both
engines run and what the manifest's hash speaks of.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnx2torch
import torch

from facegauge_server.engines.cuda_graphs import BATCH_SIZES, GraphRunner
from facegauge_server.engines.onnx_graph import for_onnx2torch
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadModel
from facegauge_server.safe_log import SafeLog
from facegauge_server.types import RawScores

__all__ = ["TorchEngine"]


class _Outputs(torch.nn.Module):
    """A network's outputs that are read, float32 (n, figures), in order."""

    def __init__(self, network: torch.nn.Module, read: list[int]) -> None:
        super().__init__()
        self.network, self.read = network, read

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        given = self.network(pixels)
        given = (given,) if isinstance(given, torch.Tensor) else given
        return tuple(given[index].float().reshape(len(pixels), -1) for index in self.read)


class TorchEngine:
    """Runs a student's ONNX file with torch, channels last, on the first GPU or else on the CPU."""

    name = "torch"
    gains_from_batches = True

    def __init__(self, student: Student, precision: str = "f32") -> None:
        self.precision, self.causes = precision, student.causes
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # f32 means f32: left alone, cuDNN's convolutions take TF32, which has ten bits of mantissa.
        # mypy cannot see it: torch puts an object in this module's place.
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
        try:
            graph = onnx.load(student.onnx_path)
            given = [value.name for value in graph.graph.output]
            student.check_ends([value.name for value in graph.graph.input], given)
            module = onnx2torch.convert(for_onnx2torch(graph))
        except BadModel:
            raise
        except Exception as error:  # whatever the reader or the converter raises, the file is at fault
            raise BadModel(
                f"torch cannot load {student.onnx_path}: {error}; --engine openvino may"
            ) from error
        read = [given.index(name) for name in student.outputs]
        self._module = _Outputs(module.to(memory_format=torch.channels_last), read).eval().to(self._device)
        self._graphs = self._record(student) if self._device.type == "cuda" else None
        blank = np.zeros((1, student.input_height, student.input_width, 3), np.uint8)
        for name, output in zip(student.outputs, self._outputs(blank), strict=True):
            student.check_length(name, output.shape[1])

    @staticmethod
    def precisions() -> tuple[str, ...]:
        """Return what torch is asked to compute in on this machine: half precision on a GPU alone."""
        return ("f32", "f16") if torch.cuda.is_available() else ("f32",)

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        """Score a batch of any size: (n, height, width, 3)."""
        starts = range(0, len(pixels), BATCH_SIZES[-1])
        parts = [self._outputs(pixels[start : start + BATCH_SIZES[-1]]) for start in starts]
        return RawScores.of([np.concatenate(output) for output in zip(*parts, strict=True)])

    def _outputs(self, pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        if self._graphs is not None:
            return self._graphs.score(pixels)
        half = torch.autocast(self._device.type, torch.float16, enabled=self.precision == "f16")
        with torch.inference_mode(), half:
            on_host = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))
            return [output.cpu().numpy() for output in self._module(on_host.to(self._device))]

    def _record(self, student: Student) -> GraphRunner | None:
        """Record the network's graphs; without them each kernel is launched by itself, which takes longer."""
        try:
            return GraphRunner(
                self._module, student.input_height, student.input_width, half=self.precision == "f16"
            )
        except RuntimeError as error:
            SafeLog().warning("no_cuda_graphs", reason=str(error))
            return None

    def close(self) -> None:
        """Let go of the network and of the GPU memory that torch keeps for it."""
        self._graphs = None
        del self._module
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
