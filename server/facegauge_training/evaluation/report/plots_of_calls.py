"""Draw calls that get worse: truth and score over time, and all seconds against each other."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from facegauge_training.evaluation.calls import Call
from facegauge_training.evaluation.report.plots import GREY, LABEL, OURS, Plot, finished, one_figure

__all__ = ["plot_calls", "plot_seconds"]

COLUMNS, MOST = 4, 16


def plot_calls(calls: list[Call]) -> Plot:
    """Draw truth, raw and smoothed score of calls, the ones with the least agreement first."""
    shown = sorted(calls, key=lambda call: call.srocc)[:MOST]
    lines = -(-len(shown) // COLUMNS)
    figure = Figure(figsize=(2.6 * COLUMNS, 1.9 * lines + 0.5), layout="constrained")
    grid = np.array(figure.subplots(lines, COLUMNS, sharex=True, sharey=True, squeeze=False)).ravel()
    for axes, call in zip(grid, shown, strict=False):
        axes.plot(call.at_s, call.truth, color=LABEL, label="truth")
        axes.plot(call.at_s, call.scores, ".", color=OURS, markersize=3, label="raw score")
        axes.plot(call.at_s, call.smoothed, color=OURS, linewidth=1.5, alpha=0.6, label="smoothed")
        name = call.video.rsplit(".", 1)[0][-24:]
        kind = call.codec if call.is_sharp else f"{call.codec}, soft"
        axes.set_title(f"{name}\n{kind}: {call.srocc:.2f}", fontsize=8)
        axes.set(ylim=(0, 1.02))
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    grid[0].legend(frameon=False, fontsize=7)
    figure.supxlabel("seconds", fontsize=9)
    return finished(figure, "Truth and score of each call over time.")


def plot_seconds(calls: list[Call]) -> Plot:
    """Draw the mean score of every second against its truth."""
    figure, axes = one_figure(5.0, 4.4)
    for is_sharp, color, name in ((False, GREY, "soft videos"), (True, OURS, "sharp videos")):
        some = [call for call in calls if call.is_sharp == is_sharp]
        if some:
            truth = np.concatenate([call.second_truth for call in some]).clip(0, 1)
            scores = np.concatenate([call.second_score for call in some])
            axes.scatter(truth, scores, s=10, alpha=0.6, color=color, label=name)
    axes.plot((0, 1), (0, 1), color="black", linewidth=0.8)
    axes.set(
        xlabel="VMAF/100 of the face region, mean of a second",
        ylabel="mean score of the second",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    axes.legend(frameon=False)
    return finished(figure, "Score against truth, a dot a second.")
