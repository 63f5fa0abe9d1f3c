"""OpenVINO: the engine for CPUs. One infer request a calling thread, one core each.

The network is compiled for one crop: a batch gains nothing on a CPU, and an input of fixed size lets OpenVINO
leave out what it would do to meet any other, a fifth of the time of a face. In bfloat16 the layers that the
student's manifest names (`float32_first`: the tensors where they end) stay in float32: see `split.py`.
"""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from facegauge_server.blocked import blocked
from facegauge_server.engines.split import split
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadModel
from facegauge_server.types import RawScores

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs a student's ONNX file on the CPU, in the precision that it is told: OpenVINO alone takes bf16."""

    name = "openvino"

    def __init__(self, student: Student, threads: int, precision: str = "f32") -> None:
        self.precision = precision
        first_in_f32 = student.manifest.get("float32_first", []) if precision != "f32" else []
        try:
            parts = [(_read(student), precision)]
            if first_in_f32:
                first, rest = split(_read(student), _read(student), first_in_f32)
                parts = [(first, "f32"), (rest, precision)]
            self._compiled = [_compile(part, arithmetic, threads) for part, arithmetic in parts]
        except KeyError as error:
            raise BadModel(
                f"{student.onnx_path} has no tensor {error}, where its manifest ends float32_first: export "
                "it again"
            ) from error
        except RuntimeError as error:
            raise BadModel(f"OpenVINO cannot load {student.onnx_path}: {error}") from error
        self._of_thread = threading.local()

    @staticmethod
    def precisions() -> tuple[str, ...]:
        """Return what this machine's CPU computes in."""
        able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return ("f32", "bf16") if "BF16" in able else ("f32",)

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        """Score crops on the calling thread's own request, one by one: (n, height, width, 3) to (n,)."""
        if not hasattr(self._of_thread, "requests"):
            self._of_thread.requests = self._create_requests()
        requests = self._of_thread.requests
        taken, given = requests[0].get_input_tensor().data, requests[-1].get_output_tensor().data
        scores = np.empty(len(pixels), dtype=np.float32)
        for index in range(len(pixels)):
            taken[:] = pixels[index]  # a copy takes less than telling OpenVINO of other memory
            for request in requests:
                request.infer()
            scores[index] = given.item()
        return scores

    def close(self) -> None:
        """Let go of the compiled network."""
        self._of_thread = threading.local()
        del self._compiled

    def _create_requests(self) -> list[Any]:
        """Return a request for each part, each reading what the one before it writes."""
        requests = [compiled.create_infer_request() for compiled in self._compiled]
        for before, after in pairwise(requests):
            for index, tensor in enumerate(before.output_tensors):
                after.set_input_tensor(index, tensor)
        return requests


def _read(student: Student) -> openvino.Model:
    model = openvino.Core().read_model(student.onnx_path)
    if {port.any_name for port in (*model.inputs, *model.outputs)} != {"pixels", "quality"}:
        raise BadModel(f"{student.onnx_path} must take `pixels` and give `quality`")
    model.reshape([1, student.input_height, student.input_width, 3])
    return model


def _compile(model: openvino.Model, precision: str, threads: int) -> openvino.CompiledModel:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
    }
    return openvino.Core().compile_model(model, "CPU", settings)
