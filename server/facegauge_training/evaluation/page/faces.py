"""Tables on groups of faces: the error of each, and the widest gaps."""

from __future__ import annotations

from facegauge_training.evaluation.page.cells import Figures, estimate, signed, table, title_of

__all__ = ["beyond", "gaps", "groups", "own_bias"]


def beyond(students: list[Figures]) -> str:
    """Return what else than the score tells how large the error is, a row a student."""
    names = list(students[0]["beyond_the_score"])
    rows = [[title_of(s), *(signed(s["beyond_the_score"][name]) for name in names)] for s in students]
    return table(["student", *names], rows)


def own_bias(students: list[Figures]) -> str:
    """Return the standard deviation over faces of a face's mean error, a row a student."""
    rows = [[title_of(s), estimate(s["own_bias"]), f"{s['own_bias']['near']:.0%}"] for s in students]
    return table(["student", "a face's own bias", "faces within 0.1"], rows)


def groups(students: list[Figures]) -> str:
    """Return every group of faces with each student's bias and agreement."""
    rows = []
    for grouping, found in students[0]["groups"].items():
        for number, group in enumerate(found["groups"]):
            own = [s["groups"][grouping]["groups"][number] for s in students]
            cells = [cell for g in own for cell in (signed(g["bias"]), f"{g['srocc']['value']:.3f}")]
            rows.append([f"{grouping}: {group['name']}", str(group["faces"]), *cells])
    names = [f"{title_of(s)}: {what}" for s in students for what in ("score less label", "SROCC")]
    return table(["group", "faces", *names], rows)


def gaps(students: list[Figures]) -> str:
    """Return the widest gap of each grouping, and what chance makes of such groups."""
    rows = []
    for student in students:
        for grouping, found in student["groups"].items():
            gap = found["gap"]
            if gap:
                ends = f"{gap['lowest']} to {gap['highest']}"
                chance = [f"{gap['by_chance']:.3f}", f"{gap['chance']:.0%}"]
                rows.append(
                    [title_of(student), grouping, ends, estimate(gap), *chance, signed(found["trend"])]
                )
    names = ["student", "grouping", "lowest to highest", "widest gap", "by chance", "as wide by chance"]
    return table([*names, "rank correlation"], rows)
