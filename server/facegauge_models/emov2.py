"""EMOv2-1M with a three-layer head (2077Agent), and EMOv2-5M, its teacher.

Paper: Zhang et al., "EMOv2: Pushing 5M Vision Model Frontier", arXiv 2412.06674, after "Rethinking Mobile
Block for Efficient Attention-based Models", ICCV 2023. Report 3.12 gives depths, widths, expansion ratios,
head dimensions, window, normalisation and activations of both networks, and the stem; they are the paper's
1M and 5M models with 5x5 depthwise kernels and hybrid attention in stages 3 and 4.
The block (i2RMB, "improved inverted residual mobile block"): expand the channels, by a pointwise convolution
in the first two stages and where a stage begins, by windowed attention whose value is the expansion
elsewhere; mix locally by a depthwise convolution with a skip; project back. Hybrid attention attends twice
with the same queries, keys and values, within windows of neighbours and within windows of far pixels (every
n-th), and adds the two.
Ours: layer scales begin at 0.1, not at 1e-6, with which a network from random weights says the same of all
pictures for thousands of steps; nobody distributes weights of it.
Settled: the head 180 -> 90 -> 45 -> 1 ("two BatchNorm + ReLU bottleneck layers before a sigmoid"), which
gives Table 1's parameters to the last digit; and that the bilinear resize to 224x224 ("they directly resize
all test data") lies within the network: without it 0.0006 GFLOPs are missing, which is what fvcore counts
for it.
Cost at 224x224: 0.2852 GFLOPs, 1.3005 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from timm.layers.drop import DropPath
from timm.layers.norm import LayerNorm2d
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["EMOv2Regressor", "HybridAttention", "MobileBlock", "agent2077", "emov2_5m"]

LAYER_SCALE = 0.1
"""Every block's, before training."""


class Widths(NamedTuple):
    """One size of EMOv2, a figure a stage."""

    depths: tuple[int, int, int, int]
    dims: tuple[int, int, int, int]
    expansions: tuple[float, float, float, float]
    head_dims: tuple[int, int, int, int]
    window: int
    drop_path: float
    side: int
    """Pixels, height and width, to which the network resizes its input."""


ONE_M = Widths((2, 2, 8, 3), (32, 48, 80, 180), (2.0, 2.5, 3.0, 3.5), (16, 16, 20, 20), 7, 0.04036, 224)
FIVE_M = Widths((3, 3, 9, 3), (48, 72, 160, 288), (2.0, 3.0, 4.0, 4.0), (16, 24, 32, 32), 8, 0.05, 512)


class Window(NamedTuple):
    """Attention within squares of `side` by `side` pixels, in heads of this many channels."""

    head_dim: int
    side: int


class HybridAttention(nn.Module):
    """Expand (n, c, h, w) to (n, expanded, h, w) by attention among neighbours plus attention afar."""

    def __init__(self, channels: int, expanded: int, window: Window) -> None:
        super().__init__()
        self.heads = channels // window.head_dim
        self.window = window.side
        self.query_key = nn.Conv2d(channels, 2 * channels, 1)
        self.value = nn.Sequential(nn.Conv2d(channels, expanded, 1), nn.GELU())
        self.scale = window.head_dim**-0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the attended values; the map is padded to whole windows and cut again."""
        height, width = x.shape[2:]
        padded = nn.functional.pad(x, (0, -width % self.window, 0, -height % self.window))
        query_key, value = self.query_key(padded), self.value(padded)
        near = self._attend(query_key, value, afar=False)
        far = self._attend(query_key, value, afar=True)
        return (near + far)[:, :, :height, :width]

    def _attend(self, query_key: torch.Tensor, value: torch.Tensor, afar: bool) -> torch.Tensor:
        rows, columns = value.shape[2] // self.window, value.shape[3] // self.window
        query, key = self._windows(query_key, rows, columns, afar).chunk(2, dim=1)
        query, key = self._split_heads(query), self._split_heads(key)  # (windows, heads, w*w, head_dim)
        weights = (query @ key.transpose(-2, -1) * self.scale).softmax(dim=-1)
        x = weights @ self._split_heads(self._windows(value, rows, columns, afar))
        x = x.transpose(-2, -1).reshape(-1, rows, columns, value.shape[1], self.window, self.window)
        # Back from (n, rows, columns, c, window, window): a window is a block, or every rows-th line.
        order = (0, 3, 4, 1, 5, 2) if afar else (0, 3, 1, 4, 2, 5)
        return x.permute(order).reshape(-1, value.shape[1], value.shape[2], value.shape[3])

    def _windows(self, x: torch.Tensor, rows: int, columns: int, afar: bool) -> torch.Tensor:
        channels = x.shape[1]
        if afar:
            x = x.reshape(-1, channels, self.window, rows, self.window, columns).permute(0, 3, 5, 1, 2, 4)
        else:
            x = x.reshape(-1, channels, rows, self.window, columns, self.window).permute(0, 2, 4, 1, 3, 5)
        return x.reshape(-1, channels, self.window * self.window)  # (n * rows * columns, c, w*w)

    def _split_heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, self.heads, x.shape[1] // self.heads, x.shape[2]).transpose(-2, -1)


class MobileBlock(nn.Module):
    """Improved inverted residual mobile block: (n, before, h, w) -> (n, after, h / stride, w / stride)."""

    def __init__(
        self,
        before: int,
        after: int,
        expansion: float,
        *,
        late: bool,
        stride: int = 1,
        window: Window | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        middle = int(before * expansion)
        self.skips = stride == 1 and before == after
        self.norm = LayerNorm2d(before) if late else nn.BatchNorm2d(before, eps=1e-6)
        self.expand: nn.Module
        if window is not None:
            self.expand = HybridAttention(before, middle, window)
        else:
            self.expand = nn.Sequential(nn.Conv2d(before, middle, 1), nn.GELU() if late else nn.SiLU())
        self.local = nn.Sequential(
            nn.Conv2d(middle, middle, 5, stride, 2, groups=middle, bias=False),
            nn.BatchNorm2d(middle, eps=1e-6),
            nn.SiLU(),
        )
        self.project = nn.Conv2d(middle, after, 1, bias=False)
        self.layer_scale = nn.Parameter(torch.full((1, after, 1, 1), LAYER_SCALE))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        expanded = self.expand(self.norm(x))
        local = self.local(expanded)
        if not self.skips:
            return self.layer_scale * self.project(local)
        return x + self.drop_path(self.layer_scale * self.project(expanded + local))


class EMOv2Regressor(nn.Module):
    """Score pictures (n, 3, h, w) of any size -> quality (n,), 0-1."""

    def __init__(self, size: Widths) -> None:
        super().__init__()
        self.side = size.side
        stem = size.dims[0] // 2
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 3, 2, 1),
            nn.BatchNorm2d(stem, eps=1e-6),
            nn.SiLU(),
            nn.Conv2d(stem, stem, 3, 1, 1, groups=stem, bias=False),
            nn.BatchNorm2d(stem, eps=1e-6),
            nn.SiLU(),
            nn.Conv2d(stem, stem, 1, bias=False),
        )
        drops = iter(torch.linspace(0, size.drop_path, sum(size.depths)).tolist())
        before, blocks = stem, []
        for stage, (depth, dim) in enumerate(zip(size.depths, size.dims, strict=True)):
            late, expansion, head_dim = stage >= 2, size.expansions[stage], size.head_dims[stage]
            begin = MobileBlock(before, dim, 2 * expansion, late=late, stride=2, drop_path=next(drops))
            window = Window(head_dim, size.window) if late else None
            blocks.append(begin)
            for _ in range(depth - 1):
                block = MobileBlock(dim, dim, expansion, late=late, window=window, drop_path=next(drops))
                blocks.append(block)
            before = dim
        self.blocks = nn.Sequential(*blocks)
        self.norm = LayerNorm2d(before)
        self.head = regression_head(
            (before, before // 2, before // 4, 1), normalised=(0, 1), activation=nn.ReLU
        )

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the pooled features (n, last width), which feature distillation compares."""
        x = nn.functional.interpolate(pictures, (self.side, self.side), mode="bilinear")
        x = self.norm(self.blocks(self.stem(x)))  # (n, c, h/32, w/32)
        return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        return self.head(self.features(pictures))[:, 0].sigmoid()


def agent2077(pretrained: bool = False) -> EMOv2Regressor:
    """Build the student of 2077Agent."""
    return _build(ONE_M, pretrained)


def emov2_5m(pretrained: bool = False) -> EMOv2Regressor:
    """Build the teacher of 2077Agent."""
    return _build(FIVE_M, pretrained)


def _build(size: Widths, pretrained: bool) -> EMOv2Regressor:
    if pretrained:
        raise ValueError("No library distributes weights of EMOv2: build it with pretrained=False.")
    return EMOv2Regressor(size)
