"""SFIQA, three landmark patches and the whole face fused in space and frequency: NJUPT-IQA-Group.

The report (3.5) tells the parts: three 224x224 patches, cut where a heatmap of facial landmarks over
600x800 pictures is densest (eyes, mouth), through MobileNetV3; the spatial-frequency feature fusion block
over its last two levels (wavelet transform, 2D selective scan of the three high bands, inverse transform,
channel attention, spatial attention, transformer); the scaled face through ShuffleNetV2-x0.5; a multi-level
attention block between the branches; concatenation and a perceptron. It tells no widths, so Table 1's
totals are met within 5%, not exactly. Settled, and why:
- MobileNetV3-Small: three patches through the Large one alone exceed the reported GFLOPs.
- The last two levels are the last two resolutions (48 channels at 14x14, 576 at 7x7): 7x7 has no even
  halves for a wavelet, and "multi-level" asks for two. The coarse one is enlarged, both are projected and
  concatenated.
- The wavelet and the scan: see `wavelet_scan`.
- The whole face is halved to 400x300: at 800x600 ShuffleNetV2 alone takes 0.40 of the 0.4860 GFLOPs.
- Multi-level attention: the pooled ends of ShuffleNetV2's stages 2, 3, 4 and its last convolution, a token
  each, ask the patches' pixels; the patches' means are then gated by what the tokens learnt.
- The patches' places: a prior over many faces, as theirs is, so that a served network needs no landmarks of
  the face before it. `landmark_patches` finds them from MediaPipe's six key points of the training's
  pictures, in place of PFLD's landmarks; they are kept with the weights.
Cost at 800x600: 0.4808 GFLOPs, 3.6474 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head
from facegauge_models.wavelet_scan import WaveletScan

__all__ = ["SFIQA", "SpatialFrequencyFusion", "landmark_patches", "njupt"]

SIDE = 224
HEIGHT, WIDTH = 800, 600
PATCHES = ((255, 322), (278, 54), (404, 191))
"""Top and left of the patches without landmarks: an eye and the ear on each side, mouth and nose. Where they
lie in the server's crops of upright faces (`facegauge-train key-points`)."""


def landmark_patches(landmarks: torch.Tensor, count: int = 3) -> list[tuple[int, int]]:
    """Return the places (top, left) of the patches that together hold most landmarks, the topmost first.

    Placed one after the other where landmarks are densest, then each anew beside the others until none holds
    more: of a few key points a face, the densest place alone is the nose, with half an eye on either side.

    Args:
        landmarks: positions (k, 2) as x, y in pixels of 600x800 pictures, of many faces.
        count: of the patches; a landmark counts once.
    """
    columns, rows = landmarks.round().long().T
    inside = (columns >= 0) & (columns < WIDTH) & (rows >= 0) & (rows < HEIGHT)
    heat = torch.zeros(HEIGHT, WIDTH, dtype=torch.float64)
    heat.index_put_((rows[inside], columns[inside]), torch.ones((), dtype=torch.float64), accumulate=True)
    places: list[tuple[int, int]] = []
    for _ in range(count):
        places.append(_densest(_beside(heat, places)))
    moved = True
    while moved:
        moved = False
        for n, place in enumerate(places):
            left = _beside(heat, places[:n] + places[n + 1 :])
            better = _densest(left)
            if _held(left, better) > _held(left, place) + 0.5:
                places[n], moved = better, True
    return sorted(places)


def _beside(heat: torch.Tensor, places: list[tuple[int, int]]) -> torch.Tensor:
    """Return the heat that patches leave."""
    left = heat.clone()
    for place in places:
        left[_window(place)] = 0
    return left


def _densest(heat: torch.Tensor) -> tuple[int, int]:
    """Return where a patch holds most heat; of equals, the one nearest to their middle."""
    integral = nn.functional.pad(heat.cumsum(0).cumsum(1), (1, 0, 1, 0))
    sums = integral[SIDE:, SIDE:] - integral[:-SIDE, SIDE:] - integral[SIDE:, :-SIDE]
    sums = sums + integral[:-SIDE, :-SIDE]
    best = (sums >= sums.max() - 0.5).nonzero().float()
    top, left = best[(best - best.mean(dim=0)).square().sum(dim=1).argmin()].long().tolist()
    return top, left


def _held(heat: torch.Tensor, place: tuple[int, int]) -> float:
    return float(heat[_window(place)].sum())


def _window(place: tuple[int, int]) -> tuple[slice, slice]:
    top, left = place
    return slice(top, top + SIDE), slice(left, left + SIDE)


class Attention(nn.Module):
    """Multi-head attention of (n, q, c) to (n, k, c), added to the former, then a perceptron."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_context = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 2 * channels),
            nn.GELU(),
            nn.Linear(2 * channels, channels),
        )

    def forward(self, tokens: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return the tokens with what they found in the context."""
        query = self._split(self.query(self.norm(tokens)))
        key, value = map(self._split, self.key_value(self.norm_context(context)).chunk(2, dim=2))
        weights = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(dim=3)
        tokens = tokens + self.project((weights @ value).transpose(1, 2).flatten(2))
        return tokens + self.perceptron(tokens)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (n, heads, l, c / heads)


class SpatialFrequencyFusion(nn.Module):
    """SFFFB: the patches' fine (n, 48, 14, 14) and coarse (n, 576, 7, 7) maps -> tokens (n, 196, c)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(48, channels, 1)
        self.coarse = nn.Conv2d(576, channels, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.SiLU()
        )
        self.wavelet = WaveletScan(channels)
        self.channel = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1), nn.ReLU(), nn.Conv2d(channels // 4, channels, 1)
        )
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)
        self.transformer = Attention(channels)

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        """Return the fused tokens, row by row."""
        coarse = nn.functional.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear")
        x = self.wavelet(self.mix(torch.cat((self.fine(fine), coarse), dim=1)))
        x = x * self.channel(x.mean(dim=(2, 3), keepdim=True)).sigmoid()
        peaks = torch.cat((x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)), dim=1)
        x = x * self.spatial(peaks).sigmoid()
        tokens = x.flatten(2).transpose(1, 2)
        return self.transformer(tokens, tokens)


class SFIQA(nn.Module):
    """Score pictures (n, 3, 800, 600) -> quality (n,), unbounded."""

    CHANNELS = 128
    places: torch.Tensor
    """Top and left of the patches, int64 (3, 2): kept and exported with the weights."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        zoo, c = torchvision.models, self.CHANNELS
        self.register_buffer("places", torch.tensor(PATCHES))
        small = zoo.mobilenet_v3_small(weights=zoo.MobileNet_V3_Small_Weights.DEFAULT if pretrained else None)
        shuffle = zoo.shufflenet_v2_x0_5(
            weights=zoo.ShuffleNet_V2_X0_5_Weights.DEFAULT if pretrained else None
        )
        self.to_fine, self.to_coarse = small.features[:9], small.features[9:]
        self.fusion = SpatialFrequencyFusion(c)
        stem = nn.Sequential(shuffle.conv1, shuffle.maxpool, shuffle.stage2)
        self.whole = nn.ModuleList((stem, shuffle.stage3, shuffle.stage4, shuffle.conv5))
        self.levels = nn.ModuleList(nn.Linear(width, c) for width in (48, 96, 192, 1024))
        self.attention = Attention(c)
        self.gate = nn.Linear(c, c)
        self.head = regression_head((7 * c, 1024, 768, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.2)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, 800, 600).

        Raises:
            ValueError: another size: the patches lie where these faces have their features.
        """
        if tuple(pictures.shape[2:]) != (HEIGHT, WIDTH):
            raise ValueError(f"SFIQA takes pictures of {HEIGHT}x{WIDTH}, not of {tuple(pictures.shape[2:])}.")
        along = torch.arange(SIDE, device=pictures.device)
        patches = torch.stack(
            [pictures.index_select(2, y + along).index_select(3, x + along) for y, x in self.places], dim=1
        )
        fine = self.to_fine(patches.flatten(0, 1))
        tokens = self.fusion(fine, self.to_coarse(fine)).unflatten(
            0, (-1, len(self.places))
        )  # (n, 3, 196, c)
        levels, x = [], nn.functional.avg_pool2d(pictures, 2)
        for stage, project in zip(self.whole, self.levels, strict=True):
            x = stage(x)
            levels.append(project(x.mean(dim=(2, 3))))
        asked = self.attention(torch.stack(levels, dim=1), tokens.flatten(1, 2))  # (n, 4, c)
        local = tokens.mean(dim=2) * self.gate(asked.mean(dim=1)).sigmoid()[:, None]  # (n, 3, c)
        return self.head(torch.cat((asked.flatten(1), local.flatten(1)), dim=1))[:, 0]


def njupt(pretrained: bool = False) -> SFIQA:
    """Build the network of NJUPT-IQA-Group."""
    return SFIQA(pretrained)
