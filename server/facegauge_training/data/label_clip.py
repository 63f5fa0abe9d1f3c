"""Label one photo: film it, put the clip through chains, measure every version once, write crops and rows.

Only what is needed is computed: a version's frames up to the last one that is measured, and VMAF of the
frames around the crops; the figures are the same as with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels
from facegauge_training.data.cause_plan import CAUSE_LADDER, draw_versions, with_counterfactuals
from facegauge_training.data.causes import removal_name, removals, without, without_nuisances
from facegauge_training.data.clips import Clip, make_clip
from facegauge_training.data.concealed import patchwork
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.data.degradation_chain import MOST_LATE, Chain, cut, receive
from facegauge_training.data.full_reference import VMAF_HEIGHT, VMAF_WIDTH, gmsd, vmaf
from facegauge_training.data.ladder import LADDER
from facegauge_training.data.ladder import SEED as LADDER_SEED
from facegauge_training.data.overexposure import darken_again
from facegauge_training.data.sampling import Visit
from facegauge_training.data.sources import Source, read_picture
from facegauge_training.data.store import jitter_box, write_source
from facegauge_training.data.variety import VARIETIES, vary

__all__ = [
    "Measured",
    "cut_versions",
    "label_ladder_face",
    "label_train_clip",
    "label_val_face",
    "measure",
    "write_versions",
]

SEED = 15
FAR_SHARE = 0.08
"""Share of the clips filmed from far away; their labels teach order alone."""
VARIED_SHARE = 0.35
"""Share of the clips with something on the face, behind it, or soft skin."""
SOFT_SKIN_FROM = 220.0
"""Px. The features of a smaller face are as fine as pores, and would go soft with them."""
LIVELY = 3.0
"""Times the motion of a listener in clips that lose packets: what stands still hides what was lost."""
MIDDLE = 3
"""The first frame that crops are cut from."""

Score = tuple[float, float]
"""VMAF/100, unclipped, and GMSD."""
Run = Chain | float | tuple[Chain, str]
"""What a stretch of frames that VMAF sees is for: a version, stops too many, or a version's patchwork."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One version of a clip: what the scorer gets and how it compares, by frame."""

    received: dict[int, Pixels]
    scores: dict[int, Score]


def measure(
    clip: Clip, chains: Sequence[Chain], frames: Sequence[int], generator: Callable[[], np.random.Generator]
) -> tuple[dict[Chain, Measured], dict[float, dict[int, float]]]:
    """Put a clip through chains and compare every version with its reference, in one run of VMAF.

    Args:
        clip: pristine, one frame longer than the last of `frames` at least.
        chains: each different.
        frames: consecutive numbers of the frames to measure, the first above 0.
        generator: gives each version its source of noise.

    Returns:
        By chain what was measured; and by stops, if above 0, the VMAF/100 that clipping leaves each frame.
    """
    window = range(frames[0] - 1, frames[-1] + 2)
    pristine = [cut(clip.frames[t], clip.faces[t], VMAF_WIDTH, VMAF_HEIGHT) for t in window]
    shown: list[Pixels] = []
    whole: list[Pixels] = []
    received: dict[Chain, dict[int, Pixels]] = {}
    runs: list[Run] = []
    for chain in chains:
        first = 0 if chain.codec or chain.noise or chain.denoise else window.start
        # Noise is drawn for as many frames as there are: all of them, so that it does not depend on this.
        last = len(clip.frames) if chain.noise else window.stop
        part = Clip(clip.frames[first:last], clip.faces[first:last])
        version = receive(part, chain, generator())
        received[chain] = {t: version.frames[t - first] for t in frames}
        crops = [cut(version.shown[t - first], clip.faces[t], VMAF_WIDTH, VMAF_HEIGHT) for t in window]
        moments = [
            [
                cut(version.references[max(0, t - first - late)], clip.faces[t], VMAF_WIDTH, VMAF_HEIGHT)
                for t in window
            ]
            for late in range(MOST_LATE + 1 if version.concealed else 1)
        ]
        for references in moments:
            shown += crops
            whole += references
            runs.append(chain)
        if version.concealed:
            shown += crops
            whole += [patchwork(crop, list(at_t)) for crop, *at_t in zip(crops, *moments, strict=True)]
            runs.append((chain, "patchwork"))
    for stops in sorted({chain.stops for chain in chains if chain.stops > 0}):
        shown += darken_again(pristine, stops)
        whole += pristine
        runs.append(stops)
    vmafs = vmaf(shown, whole)
    scores: dict[Run, dict[int, Score]] = {run: {} for run in runs}
    for n, run in enumerate(runs):
        for i, t in enumerate(frames, start=n * len(window) + 1):
            score = (vmafs[i] / 100, gmsd(shown[i], whole[i]))
            scores[run][t] = max(scores[run].get(t, score), score)
    for run in runs:
        if isinstance(run, tuple):  # of a concealed version: the mean of both opinions
            single, patched = scores[run[0]], scores[run]
            for t in frames:
                best = max(single[t], patched[t])
                single[t] = ((single[t][0] + best[0]) / 2, (single[t][1] + best[1]) / 2)
    versions = {chain: Measured(received[chain], scores[chain]) for chain in chains}
    kept = {s: {t: score[0] for t, score in scores[s].items()} for s in scores if isinstance(s, float)}
    return versions, kept


def label_train_clip(folder: Path, visit: Visit) -> int:
    """Label and store a clip of a train photo; returns the number of crops."""
    cv2.setNumThreads(1)
    seed = [SEED, int(visit.source.key, 16), visit.number]
    rng = np.random.default_rng(seed)
    chains = draw_versions(rng)
    far = bool(rng.random() < FAR_SHARE)
    kind = str(rng.choice(VARIETIES)) if rng.random() < VARIED_SHARE else ""
    if kind == "soft_skin" and visit.source.face.height < SOFT_SKIN_FROM:
        kind = ""
    picture = read_picture(visit.source.path)
    if kind:
        picture = vary(picture, visit.source.face, kind, rng)
    frames = (MIDDLE, MIDDLE + 1)
    pace = LIVELY if any(chain.loss for chain in chains) else float(rng.choice((1.0, 2.0)))
    clip = make_clip(picture, visit.source.face, rng, far, pace, count=frames[-1] + 2)
    versions, kept = measure(clip, chains, frames, lambda: np.random.default_rng([*seed, 1]))
    extra = {"variety": kind} if kind else {}
    return write_versions(folder, visit.stem, visit.source.name, clip, versions, kept, extra, rng)


def label_val_face(folder: Path, source: Source) -> int:
    """Label and store a val photo at every step of `CAUSE_LADDER`; returns the number of crops."""
    cv2.setNumThreads(1)
    seed = [SEED, int(source.key, 16)]
    rng = np.random.default_rng(seed)
    clip = make_clip(read_picture(source.path), source.face, rng, pace=2.0, count=MIDDLE + 2)
    chains = with_counterfactuals([chain for steps in CAUSE_LADDER.values() for chain in steps])
    versions, kept = measure(clip, chains, (MIDDLE,), lambda: np.random.default_rng([*seed, 1]))
    return write_versions(folder, source.key, source.name, clip, versions, kept, {}, None)


def label_ladder_face(folder: Path, source: Source) -> int:
    """Label and store a val photo at every step of the plain ladder, as `ladder` does; returns the crops."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([LADDER_SEED, int(source.key, 16)])
    clip = make_clip(read_picture(source.path), source.face, rng)
    chains = [chain for steps in LADDER.values() for chain in steps]
    versions, kept = measure(clip, chains, (MIDDLE,), lambda: rng)
    return write_versions(folder, source.key, source.name, clip, versions, kept, {}, None)


def write_versions(
    folder: Path,
    stem: str,
    name: str,
    clip: Clip,
    versions: dict[Chain, Measured],
    kept: dict[float, dict[int, float]],
    extra: dict[str, Any],
    jitter: np.random.Generator | None,
) -> int:
    """Write the crops of all versions, from every measured frame, and return their number.

    Args:
        folder: the store.
        stem: of the files' names.
        name: of the source.
        clip: pristine.
        versions: as `measure` returns them, with every counterfactual among them.
        kept: likewise.
        extra: fields of every row besides.
        jitter: shifts the boxes a little, as a tracker does; None for the exact ones.
    """
    crops, rows = cut_versions(clip, versions, kept, extra, jitter)
    write_source(folder, stem, name, crops, rows)
    return len(crops)


def cut_versions(
    clip: Clip,
    versions: dict[Chain, Measured],
    kept: dict[float, dict[int, float]],
    extra: dict[str, Any],
    jitter: np.random.Generator | None,
) -> tuple[list[npt.NDArray[np.uint8]], list[dict[str, Any]]]:
    """Return the crops and rows that `write_versions` would write."""
    crops: list[npt.NDArray[np.uint8]] = []
    rows: list[dict[str, Any]] = []
    for chain, version in versions.items():
        plain = without_nuisances(chain)
        for t, score in version.scores.items():
            face = jitter_box(clip, t, jitter) if jitter else clip.faces[t]
            crops.append(cut(version.received[t], face, CROP_WIDTH, CROP_HEIGHT))
            row = {**chain.describe(), "frame": t, "face_height": round(face.height, 1), **extra}
            counterfactuals = {
                removal_name(some): _rounded(versions[without(plain, some)].scores[t])
                for some in removals(plain)
            }
            if plain != chain:  # a filter must not raise the label
                bare = versions[plain].scores[t]
                row["filtered"] = _rounded(score)
                counterfactuals[""] = _rounded(bare)
                score = (min(score[0], bare[0]), max(score[1], bare[1]))
            row["vmaf"], row["gmsd"] = _rounded(score)
            if chain.stops > 0:
                row["highlights"] = round(kept[chain.stops][t], 5)
            rows.append({**row, "without": counterfactuals})
    return crops, rows


def _rounded(score: Score) -> list[float]:
    return [round(score[0], 5), round(score[1], 5)]
