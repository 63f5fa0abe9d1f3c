"""Run a network on a GPU as recorded graphs, one for each of a few batch sizes.

A light network is over on a GPU before Python has launched its hundred kernels; a graph launches them at
once. It wants fixed shapes and addresses: a batch is copied into the pinned buffer of the next larger size,
whose rest is scored and thrown away.

Source: PyTorch's notes on CUDA graphs (whole-network capture). Not measured yet: no GPU was at hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["BATCH_SIZES", "GraphRunner", "padded_size"]

Outputs: TypeAlias = tuple[torch.Tensor, ...]

BATCH_SIZES = (1, 4, 16, 64)
WARM_UPS = 3
"""Runs before the recording, in which libraries choose their kernels and memory."""


@dataclass(frozen=True, slots=True)
class _Recording:
    graph: torch.cuda.CUDAGraph
    host: torch.Tensor
    """Pinned uint8 (size, height, width, 3)."""
    pixels: torch.Tensor
    outputs: tuple[torch.Tensor, ...]


class GraphRunner:
    """Scores batches of up to the largest size. Its threads take turns: there is one GPU."""

    def __init__(
        self, module: Callable[[torch.Tensor], Outputs], height: int, width: int, *, half: bool
    ) -> None:
        """Record the network; raises RuntimeError where it cannot be recorded."""
        self._lock = threading.Lock()
        self._recordings = {size: _record(module, (size, height, width, 3), half) for size in BATCH_SIZES}

    def score(self, pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        """Return the network's outputs for up to `BATCH_SIZES[-1]` crops (n, height, width, 3)."""
        count = len(pixels)
        recording = self._recordings[padded_size(count)]
        with self._lock:
            recording.host[:count].numpy()[...] = pixels
            recording.pixels.copy_(recording.host, non_blocking=True)
            recording.graph.replay()
            return [output[:count].cpu().numpy() for output in recording.outputs]  # waits


def padded_size(count: int) -> int:
    """Return the smallest recorded batch size that holds so many crops."""
    return next(size for size in BATCH_SIZES if size >= count)


@torch.inference_mode()
def _record(
    module: Callable[[torch.Tensor], Outputs], shape: tuple[int, int, int, int], half: bool
) -> _Recording:
    host = torch.zeros(shape, dtype=torch.uint8).pin_memory()
    pixels = host.to("cuda")
    # Without autocast's cache: it would keep casts of the weights that belong to the recording.
    autocast = torch.autocast("cuda", torch.float16, enabled=half, cache_enabled=False)
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside), autocast:
        for _ in range(WARM_UPS):
            module(pixels)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), autocast:
        outputs = module(pixels)
    return _Recording(graph, host, pixels, outputs)
