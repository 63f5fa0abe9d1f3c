"""OpenVINO: the engine for CPUs. One network for each thread that calls, which computes it itself.

A network is compiled for one crop: a batch gains nothing on a CPU, and an input of fixed size lets OpenVINO
leave out what it would do to meet any other, a fifth of the time of a face. With one stream of one thread it
runs on the thread that calls, where a crop that was just cut is still in the cache; with more streams it
would be handed over to threads of OpenVINO's own. In bfloat16 the layers that the student's
manifest names (`float32_first`: the tensors where they end) stay in float32: see `split.py`.
"""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from facegauge_server.block_import import blocked
from facegauge_server.compiled_networks import compile_or_load
from facegauge_server.engines.split import split
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadModel
from facegauge_server.types import RawScores

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs a student's ONNX file on the CPU, in the given precision: left alone, OpenVINO takes bf16."""

    name = "openvino"
    gains_from_batches = False

    def __init__(self, student: Student, threads: int, precision: str = "f32") -> None:
        self.precision, self.causes = precision, student.causes
        self._lengths = tuple(student.outputs.values())
        first_in_f32 = student.manifest.get("float32_first", []) if precision != "f32" else []
        self._idle: queue.SimpleQueue[_Network] = queue.SimpleQueue()
        try:
            for _ in range(threads):
                self._idle.put(_Network(student, _parts(student, precision, first_in_f32)))
        except KeyError as error:
            raise BadModel(
                f"{student.onnx_path} has no tensor {error}, where its manifest ends float32_first: export "
                "it again"
            ) from error
        except RuntimeError as error:
            raise BadModel(f"OpenVINO cannot load {student.onnx_path}: {error}") from error

    @staticmethod
    def precisions() -> tuple[str, ...]:
        """Return the precisions that this machine's CPU computes in."""
        able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return ("f32", "bf16") if "BF16" in able else ("f32",)

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        """Score crops (n, height, width, 3) on the calling thread, one by one."""
        given = [np.empty((len(pixels), length), np.float32) for length in self._lengths]
        network = self._idle.get()
        try:
            for index, crop in enumerate(pixels):
                network.score(crop, [output[index] for output in given])
        finally:
            self._idle.put(network)
        return RawScores.of(given)

    def close(self) -> None:
        """Release the compiled networks."""
        while not self._idle.empty():
            self._idle.get()


class _Network:
    """The student's parts, in a row, with memory for one crop: for one thread at a time."""

    def __init__(self, student: Student, parts: list[openvino.CompiledModel]) -> None:
        self._requests = [part.create_infer_request() for part in parts]
        for before, after in pairwise(self._requests):  # each reads what the one before it writes
            for index, tensor in enumerate(before.output_tensors):
                after.set_input_tensor(index, tensor)
        self._pixels = self._requests[0].get_input_tensor().data
        last = self._requests[-1]
        self._outputs = [last.get_tensor(name).data.reshape(-1) for name in student.outputs]

    def score(self, crop: npt.NDArray[np.uint8], into: Iterable[npt.NDArray[np.float32]]) -> None:
        """Write what the network gives for one crop into an array for each output."""
        self._pixels[:] = crop  # a copy takes less than handing OpenVINO other memory
        for request in self._requests:
            request.infer()
        for output, target in zip(self._outputs, into, strict=True):
            target[:] = output


def _read(student: Student) -> openvino.Model:
    model = openvino.Core().read_model(student.onnx_path)
    inputs, outputs = ([port.any_name for port in ports] for ports in (model.inputs, model.outputs))
    student.check_ends(inputs, outputs)
    model.reshape([1, student.input_height, student.input_width, 3])
    for name in student.outputs:
        student.check_length(name, math.prod(model.output(name).shape))
    return model


def _parts(student: Student, precision: str, first_in_f32: list[str]) -> list[openvino.CompiledModel]:
    if not first_in_f32:
        return [_compile(f"{student.sha256} whole", lambda: _read(student), precision)]

    def part(index: int) -> openvino.Model:
        return split(_read(student), _read(student), first_in_f32)[index]

    first = _compile(f"{student.sha256} first", lambda: part(0), "f32")
    rest = _compile(f"{student.sha256} rest", lambda: part(1), precision)
    return [first, rest]


def _compile(name: str, read: Callable[[], openvino.Model], precision: str) -> openvino.CompiledModel:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": False,  # it would move whoever calls to the first core
    }
    return compile_or_load(f"{name} {precision}", read, settings)
