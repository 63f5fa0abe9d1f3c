"""Label crops with what each defect costs: train, weighted by source, and a ladder of the val split.

    python -m facegauge_training.data.cause_labels --faces ../shared/faces --crops 60000

Fills three stores below the cache, each photo whole or not at all, in an order in which whatever is there is
a fair sample of all sources (`sampling`):

- `causes-1`: train, `cause_plan.draw_versions`;
- `ladder-1`: val, the same crops as `ladder` makes, in half the time;
- `ladder-causes-1`: val, `cause_plan.CAUSE_LADDER`.

Some val photos come first, then one for every few clips of train; every second of them gets its steps of
`CAUSE_LADDER` at once, the others at the end. Resumes after a kill; may be stopped at any moment.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.label_clip import label_ladder_face, label_train_clip, label_val_face
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.sampling import Visit, in_turn
from facegauge_training.data.sources import read_sources

__all__ = ["Task", "cause_ladder_store", "cause_store", "main", "tasks"]

VAL_EVERY = 5
"""One val photo comes after so many clips of train."""


def cause_store(cache: Path) -> Path:
    """Return the folder of the train split's crops below the cache."""
    return cache / "causes-1"


def cause_ladder_store(cache: Path) -> Path:
    """Return the folder of the val split's crops below the cache."""
    return cache / "ladder-causes-1"


@dataclass(frozen=True, slots=True)
class Task:
    """One photo to label."""

    store: str
    """`causes`, `ladder` or `ladder-causes`."""
    visit: Visit


def tasks(train: Iterator[Visit], val: Iterator[Visit], val_first: int) -> Iterator[Task]:
    """Yield `val_first` photos of val, then clips of train with a photo of val after every `VAL_EVERY`."""
    later: list[Task] = []
    for n in range(val_first):
        yield from _val_tasks(val, n, later)
    since, n = 0, val_first
    for visit in train:
        yield Task("causes", visit)
        since += 1
        if since == VAL_EVERY:
            since, n = 0, n + 1
            yield from _val_tasks(val, n, later)
    while some := list(_val_tasks(val, 0, later)):
        yield from some
    yield from later


def _val_tasks(val: Iterator[Visit], n: int, later: list[Task]) -> Iterator[Task]:
    """Yield the tasks of the next photo of val, none when all had their turn."""
    for visit in islice(val, 1):
        yield Task("ladder", visit)
        if n % 2:
            later.append(Task("ladder-causes", visit))
        else:
            yield Task("ladder-causes", visit)


def run_task(cache: Path, task: Task) -> int:
    """Label one photo where it is missing, and return the number of crops made now."""
    source, stem = task.visit.source, task.visit.source.key
    if task.store == "causes":
        folder, stem = cause_store(cache), task.visit.stem
    else:
        folder = ladder_store(cache) if task.store == "ladder" else cause_ladder_store(cache)
    if (folder / f"{stem}.json").is_file():
        return 0
    if task.store == "causes":
        return label_train_clip(folder, task.visit)
    return label_ladder_face(folder, source) if task.store == "ladder" else label_val_face(folder, source)


def count_crops(folder: Path) -> int:
    """Return the number of labelled crops in a store."""
    return sum(len(json.loads(path.read_text(encoding="utf-8"))["crops"]) for path in folder.glob("*.json"))


@click.command()
@click.option("--faces", type=click.Path(path_type=Path), default=Path("../shared/faces"), show_default=True)
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--crops", type=click.IntRange(min=1), default=60_000, show_default=True, help="Of train.")
@click.option("--val-first", type=click.IntRange(min=0), default=24, show_default=True, help="Photos of val.")
@click.option("--val-limit", type=click.IntRange(min=1), help="Only so many photos of val.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--every", "every_s", type=float, default=60.0, show_default=True, help="Seconds between lines."
)
def main(
    faces: Path, cache: Path, crops: int, val_first: int, val_limit: int | None, workers: int, every_s: float
) -> None:
    """Label crops with their causes."""
    cache = cache.expanduser()
    stores = (cause_store(cache), ladder_store(cache), cause_ladder_store(cache))
    for folder in stores:
        folder.mkdir(parents=True, exist_ok=True)
    val = islice(in_turn(read_sources(faces, "val"), 1), val_limit)
    coming = tasks(in_turn(read_sources(faces, "train")), val, val_first)
    trained, made, failed = count_crops(stores[0]), 0, 0
    click.echo(f"{stores[0]}: {trained} crops of {crops} there")
    started = said = time.monotonic()
    # Fresh processes: a fork of one that already runs threads (OpenCV) can hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[int], Task] = {}
        try:
            while True:
                while trained < crops and len(running) < 2 * workers and (task := next(coming, None)):
                    running[pool.submit(run_task, cache, task)] = task
                if not running:
                    break
                for job in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(job)
                    try:
                        count = job.result()
                    except RecipeError as error:  # one bad photo must not end a night's work
                        failed += 1
                        click.echo(f"{task.visit.source.path}: {error}", err=True)
                        continue
                    made += count
                    trained += count if task.store == "causes" else 0
                now = time.monotonic()
                if now - said >= every_s:
                    said = now
                    rate = made / (now - started) * 3600
                    click.echo(f"{trained} of {crops} train crops; {made} crops made now, {rate:.0f} an hour")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for folder in stores:
        click.echo(f"{folder}: {count_crops(folder)} crops")
    if failed:
        raise RecipeError(
            f"{failed} photos could not be labelled (see above): restore them, and run this again."
        )


if __name__ == "__main__":
    main()
