"""Write pictures and CSVs of scores from the student's labels, for the challenge's systems.

    DIR/train.csv     crops of train photos, DIR/train/*.png
    DIR/held_out.csv  crops of the train photos that the student never trains on (one in sixteen)
    DIR/val.csv       the ladder: unseen sources at fixed steps, plain VMAF labels only, whole faces

All have the columns image, score and group (the photo: its crops belong on one side of a split). A CSV is
written when all its pictures are, so a killed run leaves none that lies; the same command starts it again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from facegauge_training.challenge.pictures import write_table
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.ladder import ANCHORED, ladder_steps, ladder_store
from facegauge_training.data.store import read_store
from facegauge_training.fitting.loader import held_out

__all__ = ["write_images", "write_scored_images"]


def write_scored_images(
    cache: Path,
    out: Path,
    count: int,
    held_out_count: int,
    val_faces: int,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Write the three splits.

    Args:
        cache: with labels and ladder.
        out: gets folders and tables.
        count: crops to train on.
        held_out_count: crops that the student never trains on.
        val_faces: faces of the ladder, in all steps.
        seed: draws all of them.
        say: gets a line for each table.

    Raises:
        RecipeError: the folder is finished already, the cache is empty, or a picture cannot be written.
    """
    tables = [out / f"{name}.csv" for name in ("train", "held_out", "val")]
    if all(table.exists() for table in tables):
        raise RecipeError(f"{out} is finished already: give another --out, or delete it to write it anew.")
    rng = np.random.default_rng(seed)
    crops = CropSet(train_stores(cache))
    aside = held_out(crops)
    # A far face's label holds within its clip alone.
    train, kept = np.flatnonzero(~aside & ~crops.far), np.flatnonzero(aside & ~crops.far)
    for chosen, wanted in ((train, count), (kept, held_out_count)):
        if wanted > len(chosen):
            say(f"only {len(chosen)} of the {wanted} crops asked for are there: all of them are written")
    ladder = read_store(ladder_store(cache))
    for table, source, chosen in (
        (tables[0], crops, _draw(train, count, rng)),
        (tables[1], crops, _draw(kept, held_out_count, rng)),
        (tables[2], ladder, _faces(ladder, val_faces, rng)),
    ):
        write_images(source, chosen, table)
        labels = source.labels[chosen]
        say(f"{table}: {len(chosen)} crops, scores {labels.min():.2f} to {labels.max():.2f}")


def write_images(crops: CropSet, chosen: npt.NDArray[np.intp], table: Path) -> None:
    """Write crops as PNG into a folder beside `table` and of its name, then the table.

    Raises:
        RecipeError: a picture cannot be written.
    """
    folder = table.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in track([int(i) for i in chosen], f"writing {folder.name}", transient=True):
        name = f"{crops.rows[i]['key']}-{i:06d}.png"
        coded = cv2.imencode(".png", crops[i][:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
        try:
            (folder / name).write_bytes(coded.tobytes())
        except OSError as error:
            raise RecipeError(
                f"{folder / name} cannot be written: {error}. Make room, then start again."
            ) from error
        rows.append((name, f"{crops.labels[i]:.5f}", crops.rows[i]["key"]))
    write_table(table, ("image", "score", "group"), rows)


def _draw(among: npt.NDArray[np.intp], count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return np.sort(rng.permutation(among)[:count])


def _faces(ladder: CropSet, count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Choose faces of the ladder, and return their crops in the families whose labels are plain VMAF."""
    keys = np.array([row["key"] for row in ladder.rows])
    plain = np.array([name not in ANCHORED for name, _ in ladder_steps(ladder)])
    faces = rng.permutation(sorted(set(keys)))[:count]
    return np.flatnonzero(np.isin(keys, faces) & plain)
