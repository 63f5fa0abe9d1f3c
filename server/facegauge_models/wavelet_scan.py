"""The wavelet domain VMamba block of NJUPT-IQA-Group: split by frequency, scan what is high, put together.

Paper of the scan: Liu et al., "VMamba: Visual State Space Model", NeurIPS 2024. The report (3.5): the
wavelet transform gives one low band and three high ones, which a 2D selective scan enhances before the
inverse transform. Settled: Haar's wavelet, orthonormal, the low band passing unchanged; one scan module for
the three high bands; four directions (rows, columns, both backwards) and one state a channel, as in
VMamba's final networks. The scan is the plain recurrence over the positions, 49 for bands of 7x7: it
exports to ONNX and needs no kernel of its own. fvcore counts nothing for the recurrence, whose products are
of single numbers.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["SelectiveScan", "WaveletScan", "haar", "inverse_haar"]


def haar(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split (n, c, h, w) into the low band (n, c, h/2, w/2) and the high ones (n, 3, c, h/2, w/2)."""
    a, b = x[:, :, 0::2, 0::2], x[:, :, 0::2, 1::2]
    c, d = x[:, :, 1::2, 0::2], x[:, :, 1::2, 1::2]
    high = torch.stack((a - b + c - d, a + b - c - d, a - b - c + d), dim=1) / 2
    return (a + b + c + d) / 2, high


def inverse_haar(low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Put together what `haar` split."""
    lh, hl, hh = high.unbind(dim=1)
    quarters = (low + lh + hl + hh, low - lh + hl - hh, low + lh - hl - hh, low - lh - hl + hh)
    stacked = torch.stack(quarters, dim=2).flatten(1, 2) / 2  # (n, 4c, h/2, w/2)
    return nn.functional.pixel_shuffle(stacked, 2)


class SelectiveScan(nn.Module):
    """2D selective scan with its projections: (n, c, h, w) -> (n, c, h, w), added to the input."""

    RANK = 8

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = self.inner = 2 * channels
        self.norm = nn.GroupNorm(1, channels)
        self.enter = nn.Conv2d(channels, inner, 1, bias=False)
        self.local = nn.Sequential(nn.Conv2d(inner, inner, 3, 1, 1, groups=inner), nn.SiLU())
        # A group a direction: the step's low-rank code, what enters the state (B), what is read from it (C).
        self.select = nn.Conv1d(4 * inner, 4 * (self.RANK + 2), 1, groups=4, bias=False)
        self.step = nn.Conv1d(4 * self.RANK, 4 * inner, 1, groups=4)
        nn.init.uniform_(self.step.bias, -6.9, -2.2)  # type: ignore[arg-type]  # steps of 0.001 to 0.1
        self.log_decay = nn.Parameter(torch.zeros(4, inner, 1))
        self.through = nn.Parameter(torch.ones(4, inner, 1))
        self.out_norm = nn.LayerNorm(inner)
        self.leave = nn.Linear(inner, channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scanned map."""
        height, width = x.shape[2:]
        inner = self.local(self.enter(self.norm(x)))
        rows, columns = inner.flatten(2), inner.transpose(2, 3).flatten(2)  # (n, d, l)
        ways = torch.stack((rows, columns, rows.flip(2), columns.flip(2)), dim=1)  # (n, 4, d, l)
        rows, columns, rows_back, columns_back = self._scan(ways).unbind(dim=1)
        columns = (columns + columns_back.flip(2)).unflatten(2, (width, height)).transpose(2, 3).flatten(2)
        merged = (rows + rows_back.flip(2) + columns).transpose(1, 2)  # (n, l, d)
        scanned = self.leave(self.out_norm(merged))
        return x + scanned.transpose(1, 2).unflatten(2, (height, width))

    def _scan(self, u: torch.Tensor) -> torch.Tensor:
        chosen = self.select(u.flatten(1, 2)).unflatten(1, (4, self.RANK + 2))
        code, enters, leaves = chosen.split((self.RANK, 1, 1), dim=2)  # (n, 4, 8, l), (n, 4, 1, l) twice
        step = nn.functional.softplus(self.step(code.flatten(1, 2))).unflatten(1, (4, self.inner))
        keep = torch.exp(-step * self.log_decay.exp()).unbind(dim=3)
        gain = (step * enters * u).unbind(dim=3)
        state, states = torch.zeros_like(gain[0]), []
        for kept, gained in zip(keep, gain, strict=True):
            state = kept * state + gained
            states.append(state)
        return torch.stack(states, dim=3) * leaves + self.through * u


class WaveletScan(nn.Module):
    """Enhance the high frequencies of maps (n, c, h, w), h and w even -> (n, c, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scan = SelectiveScan(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the map with its high bands scanned."""
        low, high = haar(x)
        return inverse_haar(low, self.scan(high.flatten(0, 1)).unflatten(0, (-1, 3)))
