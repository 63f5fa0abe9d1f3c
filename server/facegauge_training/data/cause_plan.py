"""Draw what happens to a clip, so that the causes of what is seen can be told apart.

Three plans, each over one clip, whose versions all become crops:

- `sweep`: one defect at rising severity, which teaches order;
- `grid`: two defects at two severities each, alone and together;
- `lattice`: three defects in all combinations.

Every combination's parts are in the same clip, so each measurement serves as a crop of its own and as another
crop's counterfactual. A filter that must not raise the score comes on top of some versions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from facegauge_training.data.call_codecs import RATED, TRANSPARENT
from facegauge_training.data.causes import removals, without, without_nuisances
from facegauge_training.data.codecs import CODECS
from facegauge_training.data.degradation_chain import Chain

__all__ = ["CAUSE_LADDER", "draw_defect", "draw_versions", "with_counterfactuals"]

KINDS = ("sweep", "grid", "lattice")
KIND_SHARES = (0.3, 0.35, 0.35)
SWEEP_STEPS = 7
WEIGHTS = {
    "compression": 0.33, "resolution": 0.2, "blur": 0.17, "noise": 0.14, "exposure": 0.1, "loss": 0.06,
}  # fmt: skip
CODED_SHARE = 0.75
"""Share of grids and lattices with compression in them: calls are coded."""
RATED_SHARE = 0.45
"""Share of coded clips with the settings of a call, a bit rate rather than a quality."""
NUISANCE_SHARE = 0.6
"""Share of clips that get one version with a filter on top."""

Fields = dict[str, Any]


def draw_versions(rng: np.random.Generator) -> list[Chain]:
    """Return the chains of one clip, the untouched one first, without repetition."""
    kind = str(rng.choice(KINDS, p=KIND_SHARES))
    causes = _draw_causes(rng, KINDS.index(kind) + 1)
    if kind == "sweep":
        severities = (np.arange(SWEEP_STEPS) + rng.random(SWEEP_STEPS)) / SWEEP_STEPS
    else:  # milder than in a sweep: they add up
        severities = np.sort(rng.beta(1.3, 1.5, (len(causes), 2 if kind == "grid" else 1)))
    severities = np.broadcast_to(severities, (len(causes), severities.shape[-1]))
    drawn = [_steps(cause, rng, row, "loss" in causes) for cause, row in zip(causes, severities, strict=True)]
    chains = [_joined(parts) for parts in product(*drawn)]
    versions = list(dict.fromkeys([Chain(), *chains]))
    if rng.random() < NUISANCE_SHARE:
        base = versions[int(rng.integers(len(versions)))]
        strength = round(float(rng.uniform(0.3, 1.0)), 2)
        filtered = (
            replace(base, sharpen=2 * strength) if rng.random() < 0.6 else replace(base, beauty=strength)
        )
        versions.append(filtered)
    return with_counterfactuals(versions)


def with_counterfactuals(chains: list[Chain]) -> list[Chain]:
    """Return the chains, the untouched one and every chain that they are compared with, each once."""
    needed = dict.fromkeys([Chain()])
    for chain in chains:
        plain = without_nuisances(chain)
        needed |= dict.fromkeys([*(without(plain, some) for some in reversed(removals(plain))), plain, chain])
    return list(needed)


def _steps(
    cause: str, rng: np.random.Generator, severities: npt.NDArray[np.float64], lossy: bool
) -> list[Fields]:
    """Return the fields of one defect at so many severities, all else equal: one codec, one direction."""
    seed = int(rng.integers(2**31))
    return [
        draw_defect(cause, np.random.default_rng(seed), float(severity), lossy) for severity in severities
    ]


def draw_defect(cause: str, rng: np.random.Generator, severity: float, lossy: bool = False) -> Fields:
    """Return the fields of a chain that one defect sets.

    Args:
        cause: one of `causes.CAUSES`.
        rng: draws the defect's kind.
        severity: 0, hardly seen, to 1, ruinous.
        lossy: whether packets get lost besides, which leaves only codecs that can lose them.
    """
    return DRAWN[cause](rng, severity, lossy)


def _compression(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    if not lossy and rng.random() < RATED_SHARE:
        codec = str(rng.choice(RATED))
        return {"codec": codec, "kbps": round(_log_between(2000, 45, severity))}
    codec = "x264" if lossy else str(rng.choice(("x264", "vp8", "vp9", "av1"), p=(0.55, 0.15, 0.2, 0.1)))
    best, worst = CODECS[codec][1:]
    recording = codec == "x264" and not lossy and bool(rng.random() < 0.4)
    return {"codec": codec, "quality": round(best + (worst - best) * severity**0.8), "recording": recording}


def _resolution(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    del lossy
    lines = (540, 450, 360, 270, 216, 180, 144)[min(6, int(severity * 7))]
    return {"lines": lines, "enlarged": bool(rng.random() < 0.3)}


def _blur(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    del lossy
    if rng.random() < 0.6:
        return {"defocus": round(_log_between(0.6, 8.0, severity), 2)}
    return {
        "motion": round(_log_between(2.0, 26.0, severity), 2),
        "angle": round(float(rng.uniform(0, np.pi)), 2),
    }


def _noise(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    del lossy
    sigma = round(_log_between(2.5, 38.0, severity), 1)
    if rng.random() < 0.4:
        return {"noise": sigma, "grain": round(float(rng.uniform(0.0, 1.0)), 2)}
    denoised = round(sigma * float(rng.uniform(0.5, 1.3)), 1) if rng.random() < 0.5 else 0.0
    return {"noise": sigma, "webcam": True, "denoise": denoised}


def _exposure(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    del lossy
    stops = -(0.7 + 4.3 * severity) if rng.random() < 0.6 else 0.4 + 2.8 * severity
    return {"stops": round(stops, 2)}


def _loss(rng: np.random.Generator, severity: float, lossy: bool) -> Fields:
    del lossy
    kind = str(rng.choice(("slices", "frames", "freeze"), p=(0.6, 0.3, 0.1)))
    draw = int(rng.integers(2**31))
    return {"loss_kind": kind, "loss": round(_log_between(0.05, 0.6, severity), 3), "draw": draw}


DRAWN: dict[str, Callable[[np.random.Generator, float, bool], Fields]] = {
    "compression": _compression, "resolution": _resolution, "blur": _blur,
    "noise": _noise, "exposure": _exposure, "loss": _loss,
}  # fmt: skip


def _draw_causes(rng: np.random.Generator, count: int) -> list[str]:
    """Draw so many different causes."""
    first = ["compression"] if count > 1 and rng.random() < CODED_SHARE else []
    names = [name for name in WEIGHTS if name not in first]
    weights = np.array([WEIGHTS[name] for name in names])
    picked = rng.choice(len(names), count - len(first), replace=False, p=weights / weights.sum())
    return first + [names[int(i)] for i in picked]


def _joined(parts: tuple[Fields, ...]) -> Chain:
    """Return the chain of some defects; what loses packets needs a codec."""
    fields: Fields = {name: value for part in parts for name, value in part.items()}
    if fields.get("loss_kind") and not fields.get("codec"):
        fields |= {"codec": "x264", "quality": TRANSPARENT["x264"]}
    return Chain(**fields)


def _log_between(mild: float, harsh: float, severity: float) -> float:
    return float(np.exp(np.log(mild) + (np.log(harsh) - np.log(mild)) * severity))


_CODED, _SMALL, _SOFT = {"codec": "x264", "quality": 38}, {"lines": 360}, {"defocus": 3.0}
_NOISY, _DARK, _BRIGHT = {"noise": 14, "grain": 0.6}, {"stops": -3.0}, {"stops": 1.75}
_MOVED, _TINY = {"motion": 8.0, "angle": 0.5}, {"lines": 270}
FRAMES_LOST = (3, 5)
_LOST = {"loss_kind": "slices", "loss": 0.25, "draw": 1}

CAUSE_LADDER: dict[str, list[Chain]] = {
    "pristine": [Chain()],
    "overexposure": [Chain(stops=stops) for stops in (0.75, 1.25, 1.75, 2.5)],
    "motion": [Chain(motion=length, angle=0.5) for length in (4.0, 8.0, 14.0, 22.0)],
    "webcam": [
        Chain(noise=sigma, webcam=True, denoise=denoised)
        for sigma, denoised in ((6, 0), (12, 0), (12, 10), (22, 0), (22, 18))
    ],
    "x264-call": [Chain(codec="x264", kbps=kbps) for kbps in (900, 400, 200, 90)],
    "vp8-call": [Chain(codec="vp8", kbps=kbps) for kbps in (1500, 800, 450, 200)],
    "loss-slices": [_joined(({**_LOST, "loss": loss},)) for loss in (0.1, 0.25, 0.5)],
    "loss-frames": [
        _joined(({**_LOST, "loss_kind": "frames", "loss": 0.5, "draw": draw},)) for draw in FRAMES_LOST
    ],
    "pairs": [
        _joined(parts)
        for parts in (
            (_CODED, _SMALL), (_CODED, _SOFT), (_CODED, _DARK), (_CODED, _BRIGHT), (_CODED, _NOISY),
            (_CODED, _LOST), (_SMALL, _SOFT), (_SMALL, _NOISY), (_DARK, _NOISY), (_TINY, _MOVED),
        )
    ],
    "triples": [_joined(parts) for parts in ((_CODED, _DARK, _NOISY), (_CODED, _SMALL, _SOFT))],
    "filtered": [
        Chain(sharpen=1.0), Chain(beauty=0.7), replace(_joined((_SOFT,)), sharpen=1.5),
        replace(_joined((_CODED,)), sharpen=1.5), replace(_joined((_CODED,)), beauty=0.7),
    ],
}  # fmt: skip
"""Family -> its chains: what the ladder of the val split lacks; fixed before any training on such labels."""
