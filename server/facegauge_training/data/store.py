"""Keep labelled crops on disk, a pair of files a source, and read them back without copying.

    STORE/<photo's key>.npy    uint8 (n, 384, 288, 3), RGB crops
    STORE/<photo's key>.json   {"source": ..., "crops": [{chain..., "frame", "vmaf", "gmsd"}, ...]}

The JSON is written last, by renaming: a source is there whole or not at all, so a killed run resumes where it
was and a second run costs nothing. Labels are computed when the store is read (`degradation_chain.label`), so
that a better anchor needs no new crops. Crops that a teacher labelled have {"labelled_by", "score"} in place
of {"vmaf", "gmsd"}.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track

from facegauge_server.types import Box
from facegauge_training.common.atomic import atomic_file, write_json
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.clips import Clip, make_clip
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH, CropSet
from facegauge_training.data.degradation_chain import Chain, cut, receive, transports
from facegauge_training.data.sources import Source, read_picture

__all__ = [
    "fill_store",
    "jitter_box",
    "label_source",
    "pseudo_store",
    "pseudo_stores",
    "read_store",
    "write_source",
]

DrawChains = Callable[[np.random.Generator], list[Chain]]


def read_store(*folders: Path) -> CropSet:
    """Return all labelled crops of the folders."""
    return CropSet(list(folders))


def fill_store(
    folder: Path,
    sources: list[Source],
    plan: DrawChains,
    seed: int,
    takes: int,
    jitter: bool,
    workers: int,
    far_share: float = 0.0,
) -> int:
    """Label crops of every source that the store does not have yet, with a progress bar.

    Args:
        folder: the store; made if missing.
        sources: photos.
        plan: draws the chains that one source goes through.
        seed: with the photo's key, decides everything random about a source.
        takes: crops of each chain, from different frames of its clip.
        jitter: shift and scale the boxes a little, as a tracker does.
        workers: processes.
        far_share: share of the photos that are filmed from far away.

    Returns:
        The number of sources labelled now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [source for source in sources if not (folder / f"{source.key}.json").is_file()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    if workers == 1:
        for source in track(missing, f"labelling into {folder.name}"):
            label_source(folder, source, plan, seed, takes, jitter, far_share)
        return len(missing)
    # Fresh processes: a fork of one that already runs threads (torch, OpenCV) can hang.
    fresh = multiprocessing.get_context("spawn")
    with Progress(*columns) as progress, ProcessPoolExecutor(workers, mp_context=fresh) as pool:
        bar = progress.add_task(f"labelling into {folder.name}", total=len(sources))
        progress.advance(bar, len(sources) - len(missing))
        jobs = [
            pool.submit(label_source, folder, source, plan, seed, takes, jitter, far_share)
            for source in missing
        ]
        try:
            for job in as_completed(jobs):
                job.result()
                progress.advance(bar)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(missing)


def label_source(
    folder: Path, source: Source, plan: DrawChains, seed: int, takes: int, jitter: bool, far_share: float
) -> None:
    """Make, degrade, label and store the crops of one photo."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, int(source.key, 16)])
    far = bool(far_share and rng.random() < far_share)
    clip = make_clip(read_picture(source.path), source.face, rng, far)
    chains = plan(rng)
    versions = [receive(clip, chain, rng) for chain in chains]
    measured = transports(versions, clip.faces)
    crops, rows = [], []
    for chain, version, scores in zip(chains, versions, measured, strict=True):
        middle = [len(scores) // 2] if takes == 1 else rng.permutation(len(scores))[:takes]
        for t in (int(i) for i in middle):
            face = jitter_box(clip, t + 1, rng) if jitter else clip.faces[t + 1]
            crops.append(cut(version.frames[t + 1], face, CROP_WIDTH, CROP_HEIGHT))
            row = {**chain.describe(), "frame": t + 1, "face_height": round(face.height, 1)}
            rows.append({**row, "vmaf": round(scores[t][0], 5), "gmsd": round(scores[t][1], 5)})
    write_source(folder, source.key, source.name, crops, rows)


def write_source(
    folder: Path, key: str, name: str, crops: list[npt.NDArray[np.uint8]], rows: list[dict[str, Any]]
) -> None:
    """Write the crops (384, 288, 3) of one source and their rows, whole or not at all; there may be none."""
    if crops:
        with atomic_file(folder / f"{key}.npy") as file:
            np.save(file, np.stack(crops))
    write_json(folder / f"{key}.json", {"source": name, "crops": rows}, indent=None)


def jitter_box(clip: Clip, t: int, rng: np.random.Generator) -> Box:
    """Return frame t's box, shifted and scaled by up to 8%."""
    box = clip.faces[t]
    dx, dy, ds = rng.normal(0, 0.03, 3).clip(-0.08, 0.08)
    width, height = box.width * (1 + ds), box.height * (1 + ds)
    left = box.x + dx * box.width - (width - box.width) / 2
    return Box(left, box.y + dy * box.height - (height - box.height) / 2, width, height)


def pseudo_store(cache: Path, round_: int) -> Path:
    """Return the folder of a round of self-training below the cache."""
    return cache / f"pseudo-1-round-{round_}"


def pseudo_stores(cache: Path, round_: int | None) -> list[Path]:
    """Return the store of a round of self-training, in a list; none without a round.

    Raises:
        RecipeError: the round was not made.
    """
    if round_ is None:
        return []
    folder = pseudo_store(cache, round_)
    if not any(folder.glob("*.json")):
        raise RecipeError(f"There is no {folder}: run `facegauge-train pseudo-label --round {round_}` first.")
    return [folder]
