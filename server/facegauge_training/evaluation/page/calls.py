"""Tables on calls that get worse, and on how far a score may be off: of one crop, and of a stream."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from facegauge_training.evaluation.page.cells import Figures, estimate, table, title_of

__all__ = ["calls", "one_crop", "stream"]


def calls(students: list[Figures]) -> str:
    """Return agreement and lag on calls that get worse, a row a student."""
    rows = []
    for student in students:
        found = student.get("calls")
        if found:
            sharp = found["sharp_together"]
            rows.append(
                [
                    f"**{title_of(student)}**",
                    estimate(found["srocc_within"]),
                    estimate(found["srocc_within_sharp"]),
                    f"{found['srocc_within_least']:.3f} ({found['least_call']})",
                    f"{found['under_0.90']} of {found['calls']}",
                    estimate(found["together"]["srocc"]),
                    estimate(sharp["srocc"]) if sharp else "",
                    f"{estimate(found['lag_s'], '.2f')} s",
                    f"{found['lag_of_smoothing_s']['value']:.2f} s",
                ]
            )
    names = ["student", "SROCC within a call, mean", "of sharp videos", "least", "under 0.90"]
    more = ["all seconds together", "of sharp videos", "lag", "lag of a perfect score"]
    return table([*names, *more], rows)


def one_crop(students: list[Figures]) -> str:
    """Return where the label of one crop lies, by score."""
    return _intervals(students, lambda s: s.get("one_crop_interval"), _least_held)


def stream(students: list[Figures]) -> str:
    """Return where the smoothed truth of a stream lies, by smoothed score."""
    return _intervals(students, lambda s: (s.get("calls") or {}).get("stream_interval"))


def _least_held(found: dict[str, Any]) -> str:
    name, share = min(found["held_by_source"].items(), key=lambda held: float(held[1]))
    return f"{share:.1%} ({name})"


def _intervals(
    students: list[Figures],
    find: Callable[[Figures], Any],
    least: Callable[[dict[str, Any]], str] | None = None,
) -> str:
    known = [(title_of(s), find(s)) for s in students if find(s)]
    if not known:
        return "Not measured."
    scores = sorted({line["score"] for _, found in known for line in found["ranges"]})
    half = min((b - a for a, b in pairwise(scores)), default=1.0) / 2
    rows = []
    for score in scores:
        cells = []
        for _, found in known:
            line = next((line for line in found["ranges"] if line["score"] == score), None)
            cells.append(f"{line['low']:+.2f} to {line['high']:+.2f}" if line else "too few")
        rows.append([f"{score - half:.1f} to {score + half:.1f}", *cells])
    rows.append(["held-out ones inside", *(f"{found['held_out_coverage']:.1%}" for _, found in known)])
    if least:
        rows.append(["least of a held-out source", *(least(found) for _, found in known)])
    rows.append(["mean width", *(f"{found['mean_width']:.2f}" for _, found in known)])
    return table(["score", *(name for name, _ in known)], rows)
