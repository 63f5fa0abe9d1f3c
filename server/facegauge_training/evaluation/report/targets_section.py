"""Section of the page that holds a student against its targets."""

from __future__ import annotations

from typing import Any

from facegauge_training.evaluation.report.page import Section, Table

__all__ = ["limit", "target_section", "value", "verdict"]


def target_section(held: list[dict[str, Any]]) -> Section:
    """Return the section, from what `held_against_targets` returned."""
    known = [line for line in held if line["met"] is not None]
    met = sum(line["met"] for line in known)
    return Section(
        "Targets",
        "What a student is to reach on faces and videos that it has never seen.",
        "A target that is missed and not spoken of.",
        f"{met} of {len(known)} targets are met.",
        tables=(
            Table(
                "Measured against its target",
                ("figure", "target", "measured", ""),
                tuple((line["target"], limit(line), value(line), verdict(line["met"])) for line in held),
            ),
        ),
    )


def limit(line: dict[str, Any]) -> str:
    """Return a target as in "at least 0.950"."""
    return f"{'at least' if line['is_least'] else 'at most'} {format(line['limit'], line['shown'])}"


def value(line: dict[str, Any]) -> str:
    """Return the figure that was measured, if any."""
    return "not measured" if line["value"] is None else format(line["value"], line["shown"])


def verdict(is_met: bool | None) -> str:
    """Say whether a target is met."""
    return "" if is_met is None else "met" if is_met else "MISSED"
