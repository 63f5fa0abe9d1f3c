"""Draw a training's loss and its agreement on the validation rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from facegauge_training.common.atomic import atomic_file

__all__ = ["draw_curves"]


def draw_curves(rows: list[dict[str, Any]], path: Path) -> None:
    """Write a PNG: loss and rate above, SROCC and PLCC below, with a line between stages.

    Args:
        rows: of the log.
        path: of the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [row for row in rows if "loss" in row]
    validated = [row for row in rows if row.get("srocc") is not None]
    figure = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot([row["step"] for row in steps], [row["loss"] for row in steps], label="loss")
    above.set_ylabel("loss")
    rate = above.twinx()
    rate.plot([row["step"] for row in steps], [row["rate"] for row in steps], color="grey", alpha=0.5)
    rate.set_ylabel("rate (grey)")
    for name in ("srocc", "plcc"):
        below.plot(
            [row["step"] for row in validated], [row[name] for row in validated], marker=".", label=name
        )
    below.set_xlabel("step")
    below.set_ylabel("agreement on validation rows")
    below.legend(loc="lower right")
    for before, after in pairwise(steps):
        if before["stage"] != after["stage"]:
            for axes in (above, below):
                axes.axvline(before["step"], color="grey", linestyle=":")
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=100)
