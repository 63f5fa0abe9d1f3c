"""Tables on causes: how far a name can be relied on, and what its cost means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facegauge_training.evaluation.page.cells import Figures, table, title_of
from facegauge_training.evaluation.report.causes_section import with_interval

__all__ = ["causes", "costs"]


def causes(students: list[Figures]) -> str:
    """Return what can be made of the cause's name, a row a cause, then by how sure the student is."""
    known = [s for s in students if s.get("cause_reliability")]
    if not known:
        return "No student names causes."
    parts: list[tuple[str, Callable[[Figures], Any], Callable[[Figures], Any]]] = [
        (cause, _named_line(cause), _first_of(cause)) for cause in known[0]["cause_reliability"]["by_cause"]
    ]
    for number, line in enumerate(known[0]["cause_reliability"]["by_lead"]):
        shown = f"second is {line['from']:g} to {line['to']:g} behind"
        parts.append((shown, _range_line("by_lead", number), lambda _: None))
    parts.append(("all", lambda s: s["cause_reliability"]["named"], lambda s: s["causes"].get("named_first")))
    rows = []
    for shown, find, first in parts:
        cells = []
        for s in known:
            line, share = find(s), first(s)
            right = with_interval(line["right"], ".0%") if "right" in line else "too few"
            cells += [f"{line['crops']:,}", right, "" if share is None else f"{share:.1%}"]
        rows.append([shown, *cells])
    what = ("crops named", "right", "named first where it costs most")
    return table(["cause", *(f"{title_of(s)}: {w}" for s in known for w in what)], rows)


def costs(students: list[Figures]) -> str:
    """Return the cost as named against the cost as measured, by range of the named cost."""
    known = [s for s in students if s.get("cause_reliability")]
    if not known:
        return "No student names causes."
    rows = []
    for number, line in enumerate(known[0]["cause_reliability"]["by_cost"]):
        cells = []
        for s in known:
            own = s["cause_reliability"]["by_cost"][number]
            there = "right" in own
            cells += [f"{own['named_cost']:.3f}" if there else "too few"]
            cells += [with_interval(own["measured_cost"]) if there else ""]
        rows.append([f"{line['from']:g} to {line['to']:g}", *cells])
    last = [f"{s['cause_reliability']['calibration_error']:.3f}" for s in known]
    rows.append(["mean difference", *(cell for error in last for cell in (error, ""))])
    names = [f"{title_of(s)}: {what}" for s in known for what in ("named", "measured")]
    return table(["named cost", *names], rows)


def _named_line(cause: str) -> Callable[[Figures], Any]:
    return lambda s: s["cause_reliability"]["by_cause"][cause]


def _range_line(where: str, number: int) -> Callable[[Figures], Any]:
    return lambda s: s["cause_reliability"][where][number]


def _first_of(cause: str) -> Callable[[Figures], Any]:
    return lambda s: s["causes"]["by_cause"].get(cause, {}).get("named_first")
