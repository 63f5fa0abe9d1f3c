"""Choose the arithmetic that the student runs in: the fastest of those that score as f32 does.

Two checks, both against `MAX_MOVE`. The student's manifest says how far a precision moved the scores of all
its validation crops when it was exported. And as the server starts, it scores the probe's crops, a NASA
portrait in states from pristine to ruined, in each precision on the processor at hand, whose kernels may
differ; that also shows which is the fastest there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.engines.student import Student
from facegauge_server.errors import BadConfiguration

if TYPE_CHECKING:
    from facegauge_server.engines import Engine

__all__ = ["AUTO", "MAX_MOVE", "Trial", "choose", "probe", "probe_crops"]

AUTO = "auto"
REFERENCE = "f32"
MAX_MOVE = 0.01
"""A precision may move no score further, out of 1, from what f32 gives."""
WORTH_IT = 0.95
"""Share of f32's time that a lower precision may take at most, to be preferred."""
PROBE = Path(__file__).parent.parent / "assets" / "probe_crops.jpg"
"""The crops beside each other, from left to right."""
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """Measurement of one precision by the probe."""

    precision: str
    milliseconds: float
    """Median time for one crop, on one thread."""
    move: float
    """Largest difference of a figure, quality or cost of a cause, from f32's, 0-1."""


def choose(wanted: str, can: Iterable[str], student: Student, make: Callable[[str], Engine]) -> Engine:
    """Return an engine in the precision that is wanted, or in the best one.

    Args:
        wanted: a precision, or `auto`.
        can: the precisions that the engine has on this machine.
        student: whose manifest says how far each moves its scores.
        make: makes the engine in a precision; those not chosen are closed.

    Raises:
        BadConfiguration: the engine lacks the precision that is wanted, or it moves scores too far.
    """
    able = tuple(can)
    if wanted not in (AUTO, *able):
        raise BadConfiguration(f"--precision {wanted}: this engine has {', '.join(able)} on this machine")
    exported = {REFERENCE: 0.0, **student.manifest.get("precision_moves", {})}
    if wanted != AUTO and exported.get(wanted, 1.0) > MAX_MOVE:
        known = f"by up to {exported[wanted]:.3f}" if wanted in exported else "by who knows how much"
        raise BadConfiguration(
            f"--precision {wanted} moves the scores of {student.name} {known}, more than {MAX_MOVE}: choose "
            f"{AUTO} or {REFERENCE}"
        )
    tried = [p for p in able if p == REFERENCE or (wanted in (AUTO, p) and exported.get(p, 1.0) <= MAX_MOVE)]
    engines = {precision: make(precision) for precision in tried}
    if len(engines) == 1:
        return engines[REFERENCE]
    trials = probe(engines, probe_crops(student.input_width, student.input_height))
    chosen = _best(trials) if wanted == AUTO else wanted
    move = next(trial.move for trial in trials if trial.precision == chosen)
    for precision, engine in engines.items():
        if precision != chosen or move > MAX_MOVE:
            engine.close()
    if move > MAX_MOVE:
        raise BadConfiguration(
            f"--precision {wanted} moves scores by {move:.3f} on this processor, more than {MAX_MOVE}: "
            f"choose {AUTO} or {REFERENCE}"
        )
    return engines[chosen]


def probe(engines: dict[str, Engine], crops: npt.NDArray[np.uint8]) -> list[Trial]:
    """Measure engines, one of them f32, on crops (n, height, width, 3), in turns."""
    reference = engines[REFERENCE].score(crops)
    moves = {precision: engine.score(crops).move_from(reference) for precision, engine in engines.items()}
    times: dict[str, list[float]] = {precision: [] for precision in engines}
    for _ in range(ROUNDS):
        for precision, engine in engines.items():
            start_s = time.perf_counter()
            engine.score(crops)
            times[precision].append((time.perf_counter() - start_s) / len(crops) * 1000)
    return [Trial(precision, median(times[precision]), moves[precision]) for precision in engines]


def _best(trials: list[Trial]) -> str:
    """Return the fastest precision that keeps the scores; f32 where the gain is small."""
    reference = next(trial for trial in trials if trial.precision == REFERENCE)
    worthy = [
        trial
        for trial in trials
        if trial.move <= MAX_MOVE and trial.milliseconds <= WORTH_IT * reference.milliseconds
    ]
    return min(worthy, key=lambda trial: trial.milliseconds, default=reference).precision


def probe_crops(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return the probe's crops, RGB uint8 (n, height, width, 3)."""
    strip = cv2.imdecode(np.fromfile(PROBE, np.uint8), cv2.IMREAD_COLOR_RGB)
    if strip is None:
        raise BadConfiguration(f"{PROBE} is no picture: install facegauge-server again")
    count = round(strip.shape[1] / strip.shape[0] * 4 / 3)  # crops are 3:4
    crops = np.split(strip, count, axis=1)
    return np.stack([cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA) for crop in crops])
