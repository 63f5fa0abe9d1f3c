"""Section of the page on why a face looks bad: how often the named cause is the right one, and its cost."""

from __future__ import annotations

from typing import Any

from facegauge_training.evaluation.cause_agreement import NAMED_FROM
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots_of_causes import plot_cause_costs, plot_cause_names

__all__ = ["cause_section", "with_interval"]


def cause_section(agreement: dict[str, Any], reliability: dict[str, Any]) -> Section:
    """Return the section.

    Args:
        agreement: what `agreement_by_cause` returned.
        reliability: what `cause_reliability` returned.
    """
    named = reliability["named"]
    verdict = (
        f"Where the largest true cause costs {NAMED_FROM} or more, it is named first in "
        f"{agreement['named_first']:.1%}. "
        if "named_first" in agreement
        else ""
    )
    if "right" in named:
        verdict += (
            f"Where a cause is named, it truly costs most in {with_interval(named['right'], '.1%')}; it is "
            f"named with a cost of {named['named_cost']:.3f} in the mean and truly costs "
            f"{named['measured_cost']['value']:.3f}. "
        )
    verdict += (
        f"Of {reliability['harmless_crops']} crops in which nothing costs 0.05, "
        f"{reliability['harmless_named']} get a name."
    )
    found = tuple(
        (
            cause,
            str(row["crops"]),
            "" if row["srocc"] is None else f"{row['srocc']:.3f}",
            f"{row['mae']:.3f}",
            str(row["costs_most"]),
            "" if row["named_first"] is None else f"{row['named_first']:.1%}",
        )
        for cause, row in agreement["by_cause"].items()
    )
    return Section(
        "Why: the causes",
        f"Crops of the same faces with one to three causes ({agreement['crops']:,}), each measured without "
        "each of its causes. The server names the cause with the largest cost, from "
        f"{NAMED_FROM} on. Left: how often that is the one that truly costs most, by its name and by how far "
        "the second is behind. Right: what would truly come back without it.",
        "A name that is wrong as often when it is far ahead as when it is not; costs off the line: what "
        "is promised without the cause would not come back.",
        verdict,
        (plot_cause_names(reliability), plot_cause_costs(reliability)),
        (
            Table(
                "Where a cause is named",
                ("named", "crops", "right", "named cost", "measured cost"),
                tuple(_line(name, line) for name, line in reliability["by_cause"].items())
                + tuple(
                    _line(f"at a cost of {line['from']:g} to {line['to']:g}", line)
                    for line in reliability["by_cost"]
                ),
            ),
            Table(
                f"Where a cause is present; costs most: by {NAMED_FROM} or more",
                ("cause", "crops", "SROCC of the cost", "mean error", "costs most", "then named first"),
                found,
            ),
        ),
        side_by_side=True,
    )


def with_interval(figure: dict[str, float], how: str = ".3f") -> str:
    """Return a figure of a JSON report with its interval, as in "0.92 (0.90 to 0.94)"."""
    value, low, high = (format(figure[name], how) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _line(name: str, line: dict[str, Any]) -> tuple[str, ...]:
    if "right" not in line:
        return name, str(line["crops"]), "too few", "", ""
    right, measured = with_interval(line["right"], ".1%"), with_interval(line["measured_cost"])
    return name, str(line["crops"]), right, f"{line['named_cost']:.3f}", measured
