"""Count and time a network the way Table 1 was counted: fvcore at batch 1, one thread."""

from __future__ import annotations

import io
import time
import warnings
from statistics import median
from typing import Any

import onnxruntime
import openvino
import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

__all__ = [
    "count_gflops",
    "count_params",
    "eager_ms",
    "onnx_bytes",
    "onnx_session",
    "onnxruntime_ms",
    "openvino_ms",
]


def count_gflops(network: nn.Module, height: int, width: int) -> float:
    """Return the multiply-adds, in 1e9, of one picture of this height and width, as fvcore counts them."""
    mode = network.training
    analysis = FlopCountAnalysis(network.eval(), torch.zeros(1, 3, height, width))
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    with warnings.catch_warnings():  # tracing warns of shapes that it takes for constants: they are
        warnings.simplefilter("ignore")
        total = float(analysis.total()) / 1e9
    network.train(mode)
    return total


def count_params(network: nn.Module) -> int:
    """Return the number of parameters, the unused ones included, buffers not."""
    return sum(parameter.numel() for parameter in network.parameters())


def onnx_bytes(network: nn.Module, height: int, width: int) -> bytes:
    """Return the network as an ONNX file: `pictures` (n, 3, height, width) -> `quality` (n,), n free."""
    file = io.BytesIO()
    mode = network.training
    with warnings.catch_warnings():  # the tracing exporter is called deprecated, and warns of constants
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, height, width),),
            file,  # type: ignore[arg-type]  # the tracing exporter takes open files, its signature forgot
            dynamo=False,
            opset_version=17,
            input_names=["pictures"],
            output_names=["quality"],
            dynamic_axes={"pictures": {0: "n"}, "quality": {0: "n"}},
        )
    network.train(mode)
    return file.getvalue()


def onnx_session(model: bytes, threads: int = 1) -> Any:
    """Load an ONNX file into ONNX Runtime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def eager_ms(network: nn.Module, height: int, width: int, runs: int = 10) -> float:
    """Return the median milliseconds a picture in eager torch, batch 1, with the threads that torch has."""
    picture = torch.randn(1, 3, height, width)
    mode = network.training
    network.eval()
    with torch.inference_mode():
        taken = _times(lambda: network(picture), runs)
    network.train(mode)
    return taken


def onnxruntime_ms(model: bytes, height: int, width: int, runs: int = 10) -> float:
    """Return the median milliseconds a picture of an ONNX file in ONNX Runtime, batch 1, one thread."""
    session = onnx_session(model)
    picture = torch.randn(1, 3, height, width).numpy()
    return _times(lambda: session.run(None, {"pictures": picture}), runs)


def openvino_ms(model: bytes, height: int, width: int, runs: int = 10) -> float:
    """Return the median milliseconds a picture of an ONNX file in OpenVINO, f32, batch 1, one thread."""
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model, b""), "CPU", settings)
    request = compiled.create_infer_request()
    picture = torch.randn(1, 3, height, width).numpy()
    return _times(lambda: request.infer({"pictures": picture}), runs)


def _times(call: Any, runs: int) -> float:
    call()
    call()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return 1e3 * median(taken)
