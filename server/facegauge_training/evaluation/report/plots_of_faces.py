"""Draw how the student treats faces: by size in pixels, in groups, one by one."""

from __future__ import annotations

import numpy as np

from facegauge_training.evaluation.report.groups import Group
from facegauge_training.evaluation.report.measured import Floats
from facegauge_training.evaluation.report.plots import GREY, OURS, Plot, finished, one_figure, reach
from facegauge_training.evaluation.report.sweep import SIZES, Sweep

__all__ = ["plot_faces", "plot_groups", "plot_own_bias", "plot_sweep"]


def plot_sweep(measured: Sweep) -> Plot:
    """Draw each face's score by its size, and the mean of the faces that have every pair of sizes."""
    figure, axes = one_figure(7, 4.2)
    for scores in measured.scores:
        axes.plot(SIZES, scores, color=GREY, linewidth=0.6, alpha=0.5)
    for n in range(len(SIZES) - 1):
        common = measured.scores[np.isfinite(measured.scores[:, n : n + 2]).all(axis=1), n : n + 2]
        if len(common):
            axes.plot(SIZES[n : n + 2], common.mean(axis=0), color=OURS, marker="o", linewidth=2)
    lowest = np.floor(np.nanmin(measured.scores) * 10) / 10
    axes.set(xlabel="height of the face's box, px", ylabel="score", ylim=(lowest, 1.01), xticks=SIZES)
    return finished(figure, "Score of each face by its size in pixels.")


def plot_groups(groups: list[Group]) -> Plot:
    """Draw the mean of score less label of each group, with its interval."""
    figure, axes = one_figure(7, 0.7 + 0.34 * len(groups))
    for n, group in enumerate(groups):
        if np.isfinite(group.bias.low):
            axes.errorbar(group.bias.value, n, xerr=reach([group.bias]), color=OURS, capsize=3)
        axes.plot(group.bias.value, n, "o", color=OURS)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(groups)), [f"{group.name} ({group.faces})" for group in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    widest = max(0.06, *(abs(limit) * 1.1 for limit in axes.get_xlim()))
    axes.set(xlabel="mean of score less label, 95% interval (faces)", xlim=(-widest, widest))
    return finished(figure, "Mean error by group.")


def plot_faces(values: Floats, errors: Floats, what: str) -> Plot:
    """Draw the mean error of each face against what the face is like."""
    figure, axes = one_figure(7, 3.2)
    axes.scatter(values, errors, s=12, color=OURS, alpha=0.7)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel=what, ylabel="mean of score less label")
    return finished(figure, f"Mean error of each face by {what}.")


def plot_own_bias(errors: Floats) -> Plot:
    """Draw the mean error of each face, sorted, with the band of one standard deviation."""
    figure, axes = one_figure(7, 2.6)
    spread = float(np.std(errors))
    axes.axhspan(errors.mean() - spread, errors.mean() + spread, color=OURS, alpha=0.15, linewidth=0)
    axes.bar(np.arange(len(errors)), np.sort(errors), color=OURS, width=1.0)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="faces, sorted", ylabel="mean of score less label", xlim=(-1, len(errors)), xticks=[])
    return finished(figure, "Mean error of each face, sorted.")
