"""One exporter, one counter and one timer, for systems that take pictures and students that take pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from facegauge_models import measure

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Mean(torch.nn.Module):
    """A convolution of known cost, then the mean; takes (n, 3, h, w), or (n, h, w, 3) uint8."""

    def __init__(self, pixels: bool) -> None:
        super().__init__()
        self.pixels = pixels
        self.layer = torch.nn.Conv2d(3, 5, 3, padding=1, bias=False)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.float().permute(0, 3, 1, 2) if self.pixels else x
        means: torch.Tensor = self.drop(self.layer(x)).mean(dim=(1, 2, 3))
        return means


@pytest.mark.parametrize("pixels", [False, True])
def test_a_network_is_counted_exported_and_timed(pixels: bool, tmp_path: Path) -> None:
    """Multiply-adds as by hand; ONNX gives torch's scores; both kinds of file are timed; the mode stays."""
    network = Mean(pixels).train()
    example = measure.crop_example(12, 8) if pixels else measure.picture_example(12, 8)
    assert measure.count_gflops(network, example) == pytest.approx(12 * 8 * 5 * 3 * 9 / 1e9)
    assert measure.count_params(network) == 5 * 3 * 9
    coded = measure.onnx_bytes(network, example, "pixels" if pixels else "pictures")
    path = tmp_path / "model.onnx"
    path.write_bytes(coded)
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (3, *example.shape[1:])).astype(np.uint8 if pixels else np.float32)
    for model in (coded, path):
        assert measure.onnx_difference(network, model, batch) < 1e-3
        assert measure.openvino_ms(model, example.numpy(), runs=3) > 0
        assert measure.onnxruntime_ms(model, example.numpy(), runs=3) > 0
    with torch.no_grad():
        network.layer.weight.add_(0.5)
    assert measure.onnx_difference(network, coded, batch) > 1e-2
    assert measure.eager_ms(network, example, runs=3) > 0
    assert network.training
