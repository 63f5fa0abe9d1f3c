"""Count, export and time a network: the one FLOP counter, ONNX exporter and timer of the project.

Costs are counted as in Table 1: fvcore at batch 1, multiply-adds (one multiply-add counts once). Times are
CPU time, so that other work on the machine is not counted, on one thread.
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import nn

__all__ = [
    "count_gflops",
    "count_params",
    "crop_example",
    "eager_ms",
    "onnx_bytes",
    "onnx_difference",
    "onnx_session",
    "onnxruntime_ms",
    "openvino_ms",
    "openvino_run",
    "picture_example",
]

WARM_UP_CALLS = 2
OPSET = 17
"""The first version of ONNX with layer normalisation as one operation."""


def picture_example(height: int, width: int) -> torch.Tensor:
    """Return what a system of the zoo takes: one prepared picture, float32 (1, 3, height, width)."""
    return torch.zeros(1, 3, height, width)


def crop_example(height: int, width: int) -> torch.Tensor:
    """Return what a student takes: the pixels of one crop, uint8 (1, height, width, 3)."""
    return torch.zeros((1, height, width, 3), dtype=torch.uint8)


def count_gflops(network: nn.Module, example: torch.Tensor) -> float:
    """Return the multiply-adds, in 1e9, of a forward pass over an example, as fvcore counts them."""
    with warnings.catch_warnings():  # fvcore scripts a loss of its own; tracing warns of shapes it takes for
        warnings.simplefilter("ignore")  # constants: they are
        from fvcore.nn import FlopCountAnalysis

        mode = network.training
        analysis = FlopCountAnalysis(network.eval(), example)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        total = float(analysis.total()) / 1e9
        network.train(mode)
    return total


def count_params(network: nn.Module) -> int:
    """Return the number of parameters, the unused ones included, buffers not."""
    return sum(parameter.numel() for parameter in network.parameters())


def onnx_bytes(
    network: nn.Module,
    example: torch.Tensor,
    input_name: str = "pictures",
    output_names: Sequence[str] = ("quality",),
    *,
    any_size: bool = False,
) -> bytes:
    """Return the network as an ONNX file: `input_name` (n, ...) -> `quality` float32 (n,), ..., n free.

    Args:
        network: exported in evaluation mode.
        example: an input, whose height and width are fixed in the file.
        input_name: "pictures" for prepared ones, "pixels" for a student's crops.
        output_names: of all that it returns.
        any_size: leave height and width of pictures (n, 3, height, width) free too.
    """
    file = io.BytesIO()
    free: dict[str, dict[int, str]] = {name: {0: "n"} for name in (input_name, *output_names)}
    if any_size:
        free[input_name] |= {2: "height", 3: "width"}
    mode = network.training
    with warnings.catch_warnings():  # the tracing exporter is called deprecated, and warns of constants
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            file,  # type: ignore[arg-type]  # the tracing exporter takes open files, its signature forgot
            dynamo=False,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_axes=free,
        )
    network.train(mode)
    return file.getvalue()


def onnx_session(model: bytes | Path, threads: int = 1) -> Any:
    """Load an ONNX file into ONNX Runtime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def onnx_difference(network: nn.Module, model: bytes | Path, inputs: npt.NDArray[Any]) -> float:
    """Return the largest difference of any output between torch and ONNX Runtime on a batch (n, ...)."""
    session = onnx_session(model)
    exported = session.run(None, {session.get_inputs()[0].name: inputs})
    mode = network.training
    given = network.eval()(torch.from_numpy(inputs))
    network.train(mode)
    expected = given if isinstance(given, tuple) else (given,)
    return max(float(np.abs(a.numpy() - b).max()) for a, b in zip(expected, exported, strict=True))


def eager_ms(network: nn.Module, example: torch.Tensor, runs: int = 10) -> float:
    """Return the median milliseconds of a forward pass in eager torch, with the threads that torch has."""
    mode = network.training
    network.eval()
    with torch.inference_mode():
        taken = _median_ms(lambda: network(example), runs)
    network.train(mode)
    return taken


def onnxruntime_ms(model: bytes | Path, example: npt.NDArray[Any], runs: int = 10) -> float:
    """Return the median milliseconds of an ONNX file in ONNX Runtime on one example, one thread."""
    session = onnx_session(model)
    name = session.get_inputs()[0].name
    return _median_ms(lambda: session.run(None, {name: example}), runs)


def openvino_run(model: bytes | Path, shape: Sequence[int]) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Return what gives a model's first output for an input of a shape, in OpenVINO, f32, one thread."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}
    core = openvino.Core()
    network = core.read_model(model, b"") if isinstance(model, bytes) else core.read_model(str(model))
    network.reshape(list(shape))  # as the server compiles it
    request = core.compile_model(network, "CPU", settings).create_infer_request()

    def run(pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        request.infer([pictures])
        output: npt.NDArray[Any] = request.get_output_tensor(0).data
        return output.copy()

    return run


def openvino_ms(model: bytes | Path, example: npt.NDArray[Any], runs: int = 10) -> float:
    """Return the median milliseconds of an ONNX file in OpenVINO, f32, on one example, one thread."""
    run = openvino_run(model, example.shape)
    return _median_ms(lambda: run(example), runs)


def _median_ms(call: Callable[[], object], runs: int) -> float:
    for _ in range(WARM_UP_CALLS):
        call()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return 1e3 * median(taken)
