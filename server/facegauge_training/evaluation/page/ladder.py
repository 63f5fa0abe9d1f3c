"""Tables on the val ladders: targets, agreement, families, spread, sizes."""

from __future__ import annotations

from facegauge_training.evaluation.page.cells import Figures, estimate, signed, table, title_of
from facegauge_training.evaluation.report.targets_section import limit, value, verdict

__all__ = ["agreement", "families", "sizes", "spread", "targets"]

WHAT_IS_MIXED = {
    "overexposure": "too bright",
    "motion": "motion blur",
    "webcam": "webcam noise",
    "x264-call": "x264, a call's",
    "vp8-call": "VP8, a call's",
    "loss-slices": "lost packets, slices",
    "loss-frames": "lost packets, frames",
    "pairs": "two causes",
    "triples": "three causes",
    "filtered": "sharpened, beautified",
}
"""Family of the ladder of mixed causes -> what it is."""


def targets(students: list[Figures]) -> str:
    """Return the targets, a row each, with every student's figure."""
    rows = []
    for number, line in enumerate(students[0]["targets"]):
        held = [student["targets"][number] for student in students]
        cells = []
        for own in held:
            other = f" ({limit(own)})" if own["limit"] != line["limit"] else ""
            said = verdict(own["met"])
            cells.append(f"{value(own)} {f'**{said}**' if said == 'MISSED' else said}{other}".strip())
        rows.append([line["target"], limit(line), *cells])
    return table(["figure", "target", *map(title_of, students)], rows)


def agreement(students: list[Figures]) -> str:
    """Return overall agreement on the val ladder, a row a student."""
    rows = [
        [
            f"**{title_of(s)}**",
            _with_ends(s["srocc"], s["interval_95"]["srocc"]),
            _with_ends(s["plcc"], s["interval_95"]["plcc"]),
            f"{s['rmse']:.3f}",
            f"{s['ordered_pairs']['two_apart']:.1%}",
            f"{s['ordered_pairs']['neighbours']:.1%}",
            f"{s['calibration_error']:.3f}",
            f"{s['baseline_laplacian_srocc']:.3f}",
        ]
        for s in students
    ]
    names = ["student", "SROCC", "PLCC", "RMSE", "pairs two steps apart", "neighbours", "calibration error"]
    return table([*names, "SROCC of the Laplacian's variance"], rows)


def _with_ends(figure: float, ends: list[float]) -> str:
    return estimate({"value": figure, "low": ends[0], "high": ends[1]})


def families(students: list[Figures]) -> str:
    """Return agreement by family of both ladders: SROCC and bias of each student."""
    plain = [row["name"] for row in students[0]["by_family"]]
    rows = [_family(name, name, students, "by_family") for name in plain]
    mixed = [{row["name"] for row in s.get("mixed_families", ())} for s in students]
    for name, shown in WHAT_IS_MIXED.items():
        if all(name in own for own in mixed):
            rows.append(_family(name, shown, students, "mixed_families"))
    names = [f"{title_of(s)}: {what}" for s in students for what in ("SROCC", "score less label")]
    return table(["family", "crops", *names], rows)


def spread(students: list[Figures]) -> str:
    """Return the spread at each step in the labels' own."""
    rows = []
    for number, step in enumerate(students[0]["spread_by_step"]):
        own = [s["spread_by_step"][number] for s in students]
        cells = [f"{o['error']:.3f} ({o['share']:.2f})" for o in own]
        rows.append([f"{step['family']} {step['step']}", f"{step['labels']:.3f}", *cells])
    return table(["step", "labels' own", *map(title_of, students)], rows)


def sizes(students: list[Figures]) -> str:
    """Return what happens as one face loses its pixels."""
    known = [s for s in students if s.get("sizes")]
    if not known:
        return "Not measured: `facegauge-train evaluate --report --faces`."
    rows = []
    for number, step in enumerate(known[0]["sizes"]):
        own = [s["sizes"][number] for s in known]
        cells = [f"{o['risen']} (by {max(0.0, o['worst']):.3f}), mean {o['mean']:+.3f}" for o in own]
        rows.append([f"{step['larger']} to {step['smaller']} px", str(step["faces"]), *cells])
    return table(["from, to", "faces", *(f"{title_of(s)}: scores that rise" for s in known)], rows)


def _family(name: str, shown: str, students: list[Figures], where: str) -> list[str]:
    own = [next(row for row in s[where] if row["name"] == name) for s in students]
    cells = [cell for row in own for cell in (estimate(row["srocc"]), signed(row["bias"]))]
    return [shown, f"{own[0]['crops']:,}", *cells]
