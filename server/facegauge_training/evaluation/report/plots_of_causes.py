"""Draw how far causes can be relied on: by how sure the student is, and cost as named against as measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from facegauge_training.evaluation.report.plots import GREY, OURS, Plot, finished, one_figure

__all__ = ["plot_cause_costs", "plot_cause_names"]

Line = dict[str, Any]
COLORS = {
    "compression": "#0072b2", "resolution": "#d55e00", "blur": "#009e73", "noise": "#cc79a7",
    "exposure": "#e69f00", "loss": "#56b4e9",
}  # fmt: skip


def plot_cause_names(figures: dict[str, Any]) -> Plot:
    """Draw the share of right names by cause, and by how far the second cause is behind."""
    figure, axes = one_figure(7.6, 3.6)
    lines = [(name, line, COLORS[name]) for name, line in figures["by_cause"].items() if "right" in line]
    ranges = [
        (f"ahead by {line['from']:g} to {line['to']:g}", line, GREY)
        for line in figures["by_lead"]
        if "right" in line
    ]
    for n, (_, line, color) in enumerate([*lines, *ranges]):
        right = line["right"]
        axes.barh(n, right["value"], color=color, height=0.65)
        reach = np.array([[right["value"] - right["low"]], [right["high"] - right["value"]]]).clip(0)
        axes.errorbar(right["value"], n, xerr=reach, color="black", capsize=3)
    names = [f"{name} ({line['crops']:,})" for name, line, _ in [*lines, *ranges]]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="share in which the named cause truly costs most, 95% interval", xlim=(0, 1))
    return finished(figure, "Share of right names by cause and by lead.")


def plot_cause_costs(figures: dict[str, Any]) -> Plot:
    """Draw the mean measured cost against the mean named cost, by range of the named cost."""
    figure, axes = one_figure(5.0, 4.4)
    lines: list[Line] = [line for line in figures["by_cost"] if "right" in line]
    named = np.array([line["named_cost"] for line in lines])
    measured = np.array([line["measured_cost"]["value"] for line in lines])
    low = np.array([line["measured_cost"]["low"] for line in lines])
    high = np.array([line["measured_cost"]["high"] for line in lines])
    reach = np.array([measured - low, high - measured]).clip(0)
    axes.errorbar(named, measured, yerr=reach, color=OURS, marker="o", capsize=3)
    axes.plot((0, 1), (0, 1), color="black", linewidth=0.8)
    axes.set(xlabel="cost that the student names", ylabel="cost that was measured", xlim=(0, 1), ylim=(0, 1))
    return finished(figure, "Measured cost against named cost.")
