"""Write pictures and CSVs of scores from the student's labels, for the zoo to train and to be measured on.

    python -m facegauge_training.challenge.scored_images --cache ~/.cache/facegauge --out DIR --count 8000 --seed 1

    DIR/train.csv     crops of train photos, DIR/train/*.png
    DIR/held_out.csv  crops of the train photos that the student never trains on (one in sixteen)
    DIR/val.csv       the ladder: unseen sources at fixed steps, plain VMAF labels only, whole faces

All have the columns image, score and group (the photo: its crops belong on one side of a split). A CSV is
written when all its pictures are, so a killed run leaves none that lies; the same command starts it again.
"""

from __future__ import annotations

import csv
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.ladder import ANCHORED, ladder_store
from facegauge_training.data.store import CropSet, read_store
from facegauge_training.evaluation.evaluate import ladder_steps
from facegauge_training.fitting.loader import held_out

__all__ = ["main", "write_images"]


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--count", type=click.IntRange(min=1), default=8000, show_default=True, help="Crops to train on."
)
@click.option("--held-out-count", type=click.IntRange(min=1), default=600, show_default=True)
@click.option(
    "--val-faces",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Of the ladder, in all steps.",
)
@click.option("--seed", type=int, default=1, show_default=True)
def main(cache: Path, out: Path, count: int, held_out_count: int, val_faces: int, seed: int) -> None:
    """Write pictures and CSVs of scores from the student's labels."""
    cache = cache.expanduser()
    tables = [out / f"{name}.csv" for name in ("train", "held_out", "val")]
    there = [str(table) for table in tables if table.exists()]
    if len(there) == len(tables):
        raise RecipeError(f"{out} is finished already: give another --out, or delete it to write it anew.")
    rng = np.random.default_rng(seed)
    crops = CropSet(train_stores(cache))
    aside = held_out(crops)
    # A far face's label holds within its clip alone.
    train, watch = np.flatnonzero(~aside & ~crops.far), np.flatnonzero(aside & ~crops.far)
    ladder = read_store(ladder_store(cache))
    for table, source, chosen in (
        (tables[0], crops, _draw(train, count, rng)),
        (tables[1], crops, _draw(watch, held_out_count, rng)),
        (tables[2], ladder, _faces(ladder, val_faces, rng)),
    ):
        write_images(source, chosen, table)
        labels = source.labels[chosen]
        click.echo(f"{table}: {len(chosen)} crops, scores {labels.min():.2f} to {labels.max():.2f}")


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
    unfinished = table.with_suffix(".part")
    with unfinished.open("w", newline="", encoding="utf-8") as text:
        lines = csv.writer(text)
        lines.writerow(("image", "score", "group"))
        lines.writerows(rows)
    unfinished.replace(table)


def _draw(among: npt.NDArray[np.intp], count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    if count > len(among):
        click.echo(f"only {len(among)} of the {count} crops asked for are there: all of them are written")
    return np.sort(rng.permutation(among)[:count])


def _faces(ladder: CropSet, count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Choose faces of the ladder, and return their crops in the families whose labels are plain VMAF."""
    keys = np.array([row["key"] for row in ladder.rows])
    plain = np.array([name not in ANCHORED for name, _ in ladder_steps(ladder)])
    faces = rng.permutation(sorted(set(keys)))[:count]
    return np.flatnonzero(np.isin(keys, faces) & plain)


if __name__ == "__main__":
    main()
