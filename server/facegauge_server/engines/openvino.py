"""OpenVINO: the engine for CPUs. One infer request a calling thread, one core each.

The network is compiled for one crop: a batch gains nothing on a CPU, and an input of fixed size lets OpenVINO
leave out what it would do to meet any other, a fifth of the time of a face.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from facegauge_server.blocked import blocked
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
        core = openvino.Core()
        try:
            model = core.read_model(student.onnx_path)
            if {port.any_name for port in (*model.inputs, *model.outputs)} != {"pixels", "quality"}:
                raise BadModel(f"{student.onnx_path} must take `pixels` and give `quality`")
            model.reshape([1, student.input_height, student.input_width, 3])
            self._compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": precision,
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "NUM_STREAMS": threads,
                    "INFERENCE_NUM_THREADS": threads,
                },
            )
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
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        request = self._of_thread.request
        taken, given = request.get_input_tensor().data, request.get_output_tensor().data
        scores = np.empty(len(pixels), dtype=np.float32)
        for index in range(len(pixels)):
            taken[:] = pixels[index]  # a copy takes less than telling OpenVINO of other memory
            request.infer()
            scores[index] = given.item()
        return scores

    def close(self) -> None:
        """Let go of the compiled network."""
        self._of_thread = threading.local()
        del self._compiled
