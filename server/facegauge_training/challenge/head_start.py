"""Begin a fresh head where its inputs and labels are: unit deviation in, the mean label out.

Networks without batch normalisation after their last stage (EdgeNeXt) pool maps whose means are nearly the
same for all pictures: a head of random weights sees an offset and next to nothing of what differs. So the
offset and the scale of each pooled feature are measured on some pictures and folded into the head's first
layer, exactly: the network stays the report's. The last layer's bias begins at the mean label.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from facegauge_models.emov2 import EMOv2Regressor
from facegauge_models.registry import Preprocessing
from facegauge_models.teachers import PooledRegressor
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.predict import BATCH, rows_as_tested

__all__ = ["FIRST_LAYERS", "start_head"]

FIRST_LAYERS = {
    "ecnu-sjtu": ("head.0",),
    "mediaforensics": ("backbone.classifier",),
    "next": ("projection",),
    "athenaface": ("mobilenet_head.0", "shufflenet_head.0"),
    "njupt": ("head.0",),
    "ecnu-vis": ("head.0",),
    "jnu620": ("head.0",),
    "iseecv": ("backbone.head.fc",),
    "regnet": ("head.0",),
    "conquerit": ("head.0",),
    "bit-ssvgg": ("head.0",),
    "2077agent": ("head.0",),
    "ders": ("head.0",),
    "baseline": ("head.0",),
}
"""System -> the linear layers that take pooled features; teachers begin from published weights."""
LEAST_DEVIATION = 0.01
"""Share of the mean deviation of all features: one that hardly varies is not enlarged further."""


@torch.no_grad()
def start_head(network: nn.Module, system: str, how: Preprocessing, rows: Rows, device: torch.device) -> None:
    """Set a network's fresh head by what its backbone gives for some rows."""
    layers: dict[str, Any] = {name: network.get_submodule(name) for name in FIRST_LAYERS.get(system, ())}
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in layers}
    hooks = [
        layer.register_forward_pre_hook(lambda _layer, given, kept=seen[name]: kept.append(given[0].float()))
        for name, layer in layers.items()
    ]
    network.eval()
    for at in range(0, len(rows), BATCH):
        for _, inputs in rows_as_tested(rows, range(at, min(at + BATCH, len(rows))), how, device):
            network(inputs)
    for hook in hooks:
        hook.remove()
    # First: where the head is one layer, the offset of its inputs is folded into the same bias.
    mean = torch.tensor(float(rows.scores.mean())).clamp(0.01, 0.99)
    if isinstance(network, EMOv2Regressor) or (isinstance(network, PooledRegressor) and network.bounded):
        mean = torch.logit(mean)
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and layer.out_features == 1 and layer.bias is not None:
            layer.bias.fill_(float(mean))
    for name, layer in layers.items():
        features = torch.cat(seen[name])
        deviation = features.std(0)
        scale = deviation.clamp(min=LEAST_DEVIATION * float(deviation.mean()) + 1e-12)
        layer.weight /= scale
        layer.bias -= layer.weight @ features.mean(0)
