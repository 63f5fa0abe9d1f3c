"""Label crops with what each defect costs: train, weighted by source, and a ladder of the val split.

    facegauge-train cause-labels --faces ../shared/faces --crops 60000

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
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.label_clip import label_ladder_face, label_train_clip, label_val_face
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.sampling import Visit

__all__ = [
    "CauseLabelling",
    "Task",
    "cause_ladder_store",
    "cause_store",
    "count_crops",
    "run_task",
    "tasks",
]

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


class CauseLabelling:
    """Labels photos in worker processes until a store of train crops is large enough."""

    def __init__(
        self, cache: Path, train: Iterator[Visit], val: Iterator[Visit], say: Callable[[str], None]
    ) -> None:
        """Prepare the stores below the cache.

        Args:
            cache: gets the three stores.
            train: clips of the train split, in their order.
            val: photos of the val split, in their order.
            say: takes lines for a person.
        """
        self._cache = cache
        self._train, self._val = train, val
        self._say = say
        self.stores = (cause_store(cache), ladder_store(cache), cause_ladder_store(cache))
        for folder in self.stores:
            folder.mkdir(parents=True, exist_ok=True)
        self._trained = count_crops(self.stores[0])
        self._made = self._failed = 0

    def run(self, crops: int, val_first: int, workers: int, every_s: float) -> None:
        """Label until there are so many crops of train, or no photo is left.

        Args:
            crops: of train, with those that are there.
            val_first: photos of val before the first clip of train.
            workers: processes.
            every_s: seconds between lines.

        Raises:
            RecipeError: at the end, where photos could not be labelled.
        """
        self._say(f"{self.stores[0]}: {self._trained} crops of {crops} there")
        coming = tasks(self._train, self._val, val_first)
        started_s = said_s = time.monotonic()
        # Fresh processes: a fork of one that already runs threads (OpenCV) can hang.
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            running: dict[Future[int], Task] = {}
            try:
                while True:
                    while (
                        self._trained < crops and len(running) < 2 * workers and (task := next(coming, None))
                    ):
                        running[pool.submit(run_task, self._cache, task)] = task
                    if not running:
                        break
                    for job in wait(running, return_when=FIRST_COMPLETED).done:
                        self._note(running.pop(job), job)
                    now_s = time.monotonic()
                    if now_s - said_s >= every_s:
                        said_s, rate = now_s, self._made / (now_s - started_s) * 3600
                        self._say(
                            f"{self._trained} of {crops} train crops; {self._made} made, {rate:.0f} an hour"
                        )
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if self._failed:
            raise RecipeError(
                f"{self._failed} photos could not be labelled (see above): restore them, and run this again."
            )

    def _note(self, task: Task, job: Future[int]) -> None:
        try:
            count = job.result()
        except RecipeError as error:  # one bad photo must not end a night's work
            self._failed += 1
            self._say(f"{task.visit.source.path}: {error}")
            return
        self._made += count
        self._trained += count if task.store == "causes" else 0
