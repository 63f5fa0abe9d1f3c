"""Draw the table: agreement with its interval against milliseconds, a mark a system and a student of ours."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from facegauge_training.challenge.measured_systems import Row
from facegauge_training.common.atomic import atomic_file

__all__ = ["draw_table"]

SYSTEMS, STUDENTS = "#0072b2", "#d55e00"
"""Colours that the colour-blind can distinguish (Okabe and Ito)."""
LABEL_GAP = 0.03
"""Least distance of two labels' heights, as a share of the plot's; half of it lies beside a mark."""


def draw_table(systems: dict[str, Row], students: dict[str, Row], path: Path) -> None:
    """Write the plot, a PNG.

    Args:
        systems: of the challenge, by name.
        students: of ours.
        path: of the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for rows, colour, marker, what in (
        (systems, SYSTEMS, "o", "systems of the challenge"),
        (students, STUDENTS, "s", "students of ours"),
    ):
        for row in rows.values():
            low, high = row["score_interval_95"]
            reach = [[max(0.0, row["score"] - low)], [max(0.0, high - row["score"])]]
            axes.errorbar(row["ms"], row["score"], yerr=reach, fmt=marker, color=colour, capsize=3, zorder=3)
        axes.plot([], [], marker, color=colour, label=what)
    everything = [
        (name, row, colour)
        for rows, colour in ((systems, SYSTEMS), (students, STUDENTS))
        for name, row in rows.items()
    ]
    axes.set_xlabel("CPU time of a face, ms, one core, OpenVINO, float32")
    axes.set_ylabel("Score = (SROCC + PLCC) / 2 on the ladder of unseen faces, 95% interval")
    axes.set_xlim(0, 1.25 * max([1.0, *(row["ms"] for _, row, _ in everything)]))  # names lie to the right
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    low, high = axes.get_ylim()
    heights = _spread([row["score"] for _, row, _ in everything], LABEL_GAP * (high - low))
    for (name, row, colour), height in zip(everything, heights, strict=True):
        axes.annotate(
            name,
            (row["ms"], row["score"]),
            (row["ms"] + LABEL_GAP * axes.get_xlim()[1] / 2, height),
            fontsize=8,
            color=colour,
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.4, "shrinkA": 0, "shrinkB": 0},
        )
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _spread(heights: list[float], gap: float) -> list[float]:
    """Return heights of labels near those asked for, in their order, none nearer to the next than a gap."""
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    placed = list(heights)
    for before, after in pairwise(order):
        placed[after] = max(heights[after], placed[before] + gap)
    shift = sum(h - p for h, p in zip(heights, placed, strict=True)) / max(1, len(heights))
    return [at + shift for at in placed]
