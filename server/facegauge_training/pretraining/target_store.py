"""Views of photos and what the teacher says of them, on disk: asked once, used by every backbone.

    FOLDER/teacher.pt                     the teacher's directions
    FOLDER/patches/pixels.npy             uint8 (views, height, width, 3)
    FOLDER/patches/statistics.npy         float16 (views, 1024)
    FOLDER/patches/map_8.npy ...          float16 (views, directions, height / 8, width / 8) ...
    FOLDER/patches/progress.json          what the store is made of, and how many photos are in it
    FOLDER/crops/...

Views 2 i and 2 i + 1 are a pair. A photo's views depend on its key and the seed alone, so that a fill that is
killed goes on where it was, and the store ends the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.data.sources import Source, read_picture
from facegauge_training.pretraining.feature_teacher import (
    DIRECTIONS,
    STATISTIC_WIDTHS,
    TEACHER,
    FeatureTeacher,
    TeacherOutputs,
)
from facegauge_training.pretraining.views import PATCHES, ViewKind, draw_pair

__all__ = ["TargetStore", "fill_targets", "held_out_photo"]

CHUNK = 16
"""Photos between two records of the progress."""
DRAWING_THREADS = 4
FITTED_ON = 48
"""Photos whose patches choose the teacher's directions."""
VERSION = 1


def held_out_photo(key: str) -> bool:
    """Return whether a photo is among the one in sixteen that are never trained on."""
    return int(key[:4], 16) % 16 == 0


@dataclass(frozen=True, slots=True)
class TargetStore:
    """Views of one kind and the teacher's outputs, mapped into memory."""

    kind: ViewKind
    pixels: npt.NDArray[np.uint8]
    """(views, height, width, 3)."""
    outputs: TeacherOutputs
    keys: list[str]
    """Each photo's."""
    names: list[str]
    """Each photo's collection."""
    pairs_a_photo: int
    identity: dict[str, Any]

    @property
    def pairs(self) -> int:
        """How many there are; pair i is of photo i // pairs_a_photo."""
        return len(self.pixels) // 2


def fill_targets(
    folder: Path,
    sources: list[Source],
    kind: ViewKind,
    pairs_a_photo: int,
    seed: int,
    device: torch.device,
) -> TargetStore:
    """Draw the views of every photo and ask the teacher, or go on with it; a full store is only opened.

    Raises:
        RecipeError: the store was made of other photos or with other settings, or a photo cannot be read.
    """
    place = folder / kind.name
    place.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(" ".join(source.key for source in sources).encode()).hexdigest()[:16]
    identity = {
        "version": VERSION, "teacher": TEACHER, "photos": len(sources), "photos_sha256": digest,
        "pairs_a_photo": pairs_a_photo, "seed": seed, "height": kind.height, "width": kind.width,
    }  # fmt: skip
    record = place / "progress.json"
    done = _done(record, identity)
    arrays = _arrays(place, 2 * pairs_a_photo * len(sources), kind, new=not done)
    if done < len(sources):
        teacher = _teacher(folder, sources, seed)
        ask = teacher.ready(device)
        cv2.setNumThreads(1)
        starts = range(done, len(sources), CHUNK)
        with ThreadPoolExecutor(DRAWING_THREADS) as pool:
            for start in track(starts, f"the teacher on {kind.name}", total=len(starts)):
                chunk = sources[start : start + CHUNK]
                drawn = pool.map(lambda source: _views(source, kind, pairs_a_photo, seed), chunk)
                views = np.stack([view for of_one in drawn for view in of_one])
                at = slice(2 * pairs_a_photo * start, 2 * pairs_a_photo * start + len(views))
                outputs = _ask_in_parts(ask, views)
                for name, part in {"pixels": views, **_by_name(outputs)}.items():
                    arrays[name][at] = part
                    arrays[name].flush()
                _write(record, {**identity, "done": start + len(chunk)})
    # Read-only from here on: the store belongs to every run.
    arrays = _arrays(place, 2 * pairs_a_photo * len(sources), kind, new=None)
    return TargetStore(
        kind,
        arrays["pixels"],
        TeacherOutputs(arrays["statistics"], {stride: arrays[f"map_{stride}"] for stride in DIRECTIONS}),
        [source.key for source in sources],
        [source.name for source in sources],
        pairs_a_photo,
        identity,
    )


def _views(source: Source, kind: ViewKind, pairs: int, seed: int) -> list[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng([seed, int(source.key, 16), kind.height])
    picture = read_picture(source.path)
    return [view for _ in range(pairs) for view in draw_pair(picture, source.face, kind, rng)]


def _ask_in_parts(
    ask: Callable[[npt.NDArray[np.uint8]], TeacherOutputs], views: npt.NDArray[np.uint8]
) -> TeacherOutputs:
    """Ask about a few views at a time: a CPU is as quick with them, and memory stays small."""
    parts = [ask(views[at : at + CHUNK]) for at in range(0, len(views), CHUNK)]
    maps = {stride: np.concatenate([part.maps[stride] for part in parts]) for stride in DIRECTIONS}
    return TeacherOutputs(np.concatenate([part.statistics for part in parts]), maps)


def _by_name(outputs: TeacherOutputs) -> dict[str, npt.NDArray[np.float16]]:
    return {"statistics": outputs.statistics} | {f"map_{s}": found for s, found in outputs.maps.items()}


def _teacher(folder: Path, sources: list[Source], seed: int) -> FeatureTeacher:
    """Return the teacher, its directions read from the folder or chosen now."""
    teacher, path = FeatureTeacher(), folder / "teacher.pt"
    if path.is_file():
        teacher.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return teacher
    views = [v for s in sources[:FITTED_ON] for v in _views(s, PATCHES, 1, seed)]
    teacher.fit_directions(torch.from_numpy(np.stack(views)))
    save_atomically(teacher.state_dict(), path)
    return teacher


def _done(record: Path, identity: dict[str, Any]) -> int:
    """Return how many photos are in the store.

    Raises:
        RecipeError: it is another store's.
    """
    if not record.is_file():
        return 0
    found = json.loads(record.read_text(encoding="utf-8"))
    other = [
        f"{name} {found.get(name)!r}, not {value!r}"
        for name, value in identity.items()
        if found.get(name) != value
    ]
    if other:
        raise RecipeError(
            f"{record.parent} was filled with {'; '.join(other)}: give the same settings, another "
            "--targets, or delete it."
        )
    return int(found["done"])


def _arrays(place: Path, views: int, kind: ViewKind, *, new: bool | None) -> dict[str, Any]:
    """Map the store's files, made if `new`; None: for reading alone."""
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "pixels": ((kind.height, kind.width, 3), np.uint8),
        "statistics": ((sum(STATISTIC_WIDTHS),), np.float16),
    }
    for stride, channels in DIRECTIONS.items():
        shapes[f"map_{stride}"] = ((channels, kind.height // stride, kind.width // stride), np.float16)
    if not new:
        return {
            name: np.load(place / f"{name}.npy", mmap_mode="r" if new is None else "r+") for name in shapes
        }
    return {
        name: np.lib.format.open_memmap(place / f"{name}.npy", mode="w+", dtype=dtype, shape=(views, *shape))
        for name, (shape, dtype) in shapes.items()
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)
