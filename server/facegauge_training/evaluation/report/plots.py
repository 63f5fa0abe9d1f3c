"""Draw the figures: every plot becomes a PNG inside a data URI, so that the page needs nothing else."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facegauge_training.common.metrics import logistic_fit
from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.report.calibration import Bin, Interval
from facegauge_training.evaluation.report.headline import Row
from facegauge_training.evaluation.report.measured import Estimate, Floats, Measured
from facegauge_training.evaluation.report.spread import Step

__all__ = [
    "GREY",
    "OURS",
    "Plot",
    "finished",
    "one_figure",
    "plot_baselines",
    "plot_calibration",
    "plot_headline",
    "plot_interval",
    "plot_scatter",
    "plot_spread",
    "plot_steps",
    "reach",
]

OURS, THEIRS, LABEL, GREY = "#0072b2", "#999999", "#d55e00", "#666666"
COLORS = {
    "pristine": "#000000", "x264": "#0072b2", "vp9": "#56b4e9", "defocus": "#009e73", "lines": "#d55e00",
    "noise": "#cc79a7", "darkness": "#e69f00",
}  # fmt: skip
"""Colours that the colour-blind can distinguish (Okabe and Ito)."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture inside the page."""

    uri: str
    alt: str


def plot_headline(rows: list[Row], titles: dict[str, str]) -> Plot:
    """Draw SROCC with its interval, a bar a method."""
    figure, axes = one_figure(7, 0.5 + 0.42 * len(rows))
    for n, row in enumerate(rows):
        estimates = row.figures["srocc"]
        axes.barh(n, estimates.value, color=THEIRS if row.lead else OURS, height=0.65)
        axes.errorbar(estimates.value, n, xerr=reach([estimates]), color="black", capsize=3)
    axes.set_yticks(range(len(rows)), [titles.get(row.name, row.name) for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel="SROCC, with 95% interval", xlim=(min(0, axes.get_xlim()[0]), 1))
    return finished(figure, "Bars of SROCC by method.")


def plot_scatter(measured: Measured) -> Plot:
    """Draw score against label, a dot a crop."""
    figure, axes = one_figure(5.6, 5.2)
    for family in LADDER:
        where = measured.family == family
        axes.scatter(
            measured.labels[where],
            measured.scores[where],
            s=5,
            alpha=0.35,
            color=COLORS[family],
            label=family,
        )
    axes.plot((0, 1), (0, 1), color="black", linewidth=0.8)
    axes.set(xlabel="label", ylabel="score", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for handle in axes.legend(markerscale=3, frameon=False, fontsize=8).legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    return finished(figure, "Scatter of score against label by family.")


def plot_baselines(measured: Measured, titles: dict[str, str]) -> Plot:
    """Draw label against what each method says, after its logistic fit, on the crops with plain labels."""
    plain = measured.chosen(measured.plain)
    columns = 3
    lines = -(-len(plain.methods) // columns)
    figure = Figure(figsize=(3.2 * columns, 3.0 * lines), layout="constrained")
    grid = np.array(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)).ravel()
    for axes, (name, scores) in zip(grid, plain.methods.items(), strict=False):
        fitted = logistic_fit(scores, plain.labels)(scores)
        axes.scatter(plain.labels, fitted, s=3, alpha=0.25, color=OURS if name == "student" else GREY)
        axes.plot((0, 1), (0, 1), color="black", linewidth=0.8)
        axes.set_title(titles.get(name, name), fontsize=9)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axes in grid[len(plain.methods) :]:
        axes.set_axis_off()
    figure.supxlabel("label")
    figure.supylabel("score, after the logistic fit")
    return finished(figure, "Scatter of each method's fitted scores against the label.")


def plot_steps(measured: Measured) -> Plot:
    """Draw label and score by step, mean and standard deviation over faces, a family each."""
    names = [family for family in LADDER if family != "pristine"]
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    for axes, family in zip(np.array(figure.subplots(2, 3, sharey=True)).ravel(), names, strict=True):
        steps = range(len(LADDER[family]) + 1)
        at = [(measured.step == n) & np.isin(measured.family, (family if n else "pristine",)) for n in steps]
        for values, color, what, shift in (
            (measured.labels, LABEL, "label", -0.08), (measured.scores, OURS, "score", 0.08),
        ):  # fmt: skip
            means = [float(values[a].mean()) if a.any() else np.nan for a in at]
            spread = [float(values[a].std()) if a.any() else np.nan for a in at]
            axes.errorbar(
                np.array(steps) + shift, means, yerr=spread, color=color, marker="o", markersize=3, label=what
            )
        axes.set_title(family + (" (anchored)" if family in ANCHORED else ""), fontsize=9)
        axes.set(xticks=steps, ylim=(0, 1.02))
    figure.axes[0].legend(frameon=False)
    figure.supxlabel("step, 0 pristine, then from mild to harsh")
    return finished(figure, "Label and score by step, for each family.")


def plot_spread(steps: list[Step]) -> Plot:
    """Draw the spread over faces of labels and of errors, a pair of bars a step."""
    figure, axes = one_figure(9.6, 3.2)
    at = np.arange(len(steps))
    axes.bar(at - 0.2, [step.labels for step in steps], 0.4, color=LABEL, label="labels")
    axes.bar(at + 0.2, [step.error for step in steps], 0.4, color=OURS, label="score less label")
    axes.set_xticks(at, [f"{step.family} {step.number}" for step in steps], rotation=90, fontsize=7)
    axes.set(ylabel="standard deviation over faces", xlim=(-0.8, len(steps) - 0.2))
    axes.legend(frameon=False)
    return finished(figure, "Spread over faces of labels and of errors by step.")


def plot_calibration(bins: list[Bin], anchored: list[Bin]) -> Plot:
    """Draw the mean label of each tenth of the scores, and what is left of it."""
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    both, left = figure.subplots(1, 2)
    for estimates, color, what in ((bins, OURS, "plain VMAF"), (anchored, LABEL, "noise and darkness")):
        scores, labels = [b.score for b in estimates], np.array([b.label.value for b in estimates])
        error = reach([b.label for b in estimates])
        both.errorbar(scores, labels, yerr=error, color=color, marker="o", capsize=2, label=what)
        left.errorbar(scores, labels - scores, yerr=error, color=color, marker="o", capsize=2)
    both.plot((0, 1), (0, 1), color="black", linewidth=0.8)
    both.set(xlabel="mean score of the tenth", ylabel="mean label, 95% interval", xlim=(0, 1), ylim=(0, 1))
    left.axhline(0, color="black", linewidth=0.8)
    left.set(xlabel="mean score of the tenth", ylabel="label less score", xlim=(0, 1))
    both.legend(frameon=False)
    return finished(figure, "Mean label by score, and the difference.")


def plot_interval(estimates: Interval, measured: Measured) -> Plot:
    """Draw label less score, a dot a crop, with the 90% interval by score."""
    figure, axes = one_figure(7, 3.8)
    axes.scatter(measured.scores, measured.labels - measured.scores, s=3, alpha=0.2, color=GREY)
    axes.fill_between(
        estimates.scores, estimates.low, estimates.high, color=OURS, alpha=0.25, label="90% of the crops"
    )
    axes.plot(estimates.scores, estimates.low, color=OURS, marker="o", markersize=3)
    axes.plot(estimates.scores, estimates.high, color=OURS, marker="o", markersize=3)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="score", ylabel="label less score", xlim=(0, 1))
    axes.legend(frameon=False)
    return finished(figure, "Label less score by score, with the 90% interval.")


def one_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty plot of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def reach(estimates: list[Estimate]) -> Floats:
    """Return how far the intervals reach (2, n), as matplotlib takes it."""
    return np.array([[t.value - t.low for t in estimates], [t.high - t.value for t in estimates]]).clip(0)


def finished(figure: Figure, alt: str) -> Plot:
    """Return a drawn figure as a picture inside the page; `alt` says in words what it is."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return Plot("data:image/png;base64," + base64.b64encode(data.getvalue()).decode(), alt)
