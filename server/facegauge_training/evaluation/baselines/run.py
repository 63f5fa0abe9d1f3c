"""Score the crops of a store with every baseline, once: the scores are remembered beside the crops.

    CACHE/baselines-1/<name>-<digest>-<versions>.npy    float64 (n,)

The digest covers pixels of every crop, the versions are of what measures them: nothing stale is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.progress import track

from facegauge_server.types import Pixels
from facegauge_training.common.atomic import atomic_file
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.baselines.blockdetect import BLOCKDETECT
from facegauge_training.evaluation.baselines.blurdetect import BLURDETECT
from facegauge_training.evaluation.baselines.brisque import BRISQUE
from facegauge_training.evaluation.baselines.image_quality_ai import IMAGE_QUALITY_AI
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats
from facegauge_training.evaluation.baselines.laplacian import LAPLACIAN

__all__ = ["BASELINES", "run_baselines"]

BASELINES: tuple[Baseline, ...] = (BRISQUE, LAPLACIAN, BLURDETECT, BLOCKDETECT, IMAGE_QUALITY_AI)


def run_baselines(crops: CropSet, cache: Path) -> dict[str, Floats]:
    """Return the scores (n,), better the higher, of each baseline that is installed, by its name."""
    there = [baseline for baseline in BASELINES if not baseline.missing]
    pixels = _digest(crops)
    return {baseline.name: _scores(baseline, crops, pixels, cache) for baseline in there}


def _scores(baseline: Baseline, crops: CropSet, pixels: str, cache: Path) -> Floats:
    used = [baseline.distribution] if baseline.distribution else ["imageio-ffmpeg", "opencv-python-headless"]
    digests = "-".join([pixels, *(version(name) for name in used)])
    path = cache / "baselines-1" / f"{baseline.name}-{digests}.npy"
    if path.is_file():
        return np.asarray(np.load(path), np.float64)
    scores = baseline.measure(_each(crops, baseline.title))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        np.save(file, scores)
    return scores


def _each(crops: CropSet, title: str) -> Iterator[Pixels]:
    for i in track(range(len(crops)), title, transient=True):
        yield crops[i]


def _digest(crops: CropSet) -> str:
    digest = hashlib.sha256()
    for i in range(len(crops)):
        digest.update(str(crops[i].shape).encode() + crops[i][::8, ::8].tobytes())
    return digest.hexdigest()[:12]
