"""Sections of the page on the student beside the baselines: over all of the ladder, and family by family."""

from __future__ import annotations

from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.baselines.run import BASELINES
from facegauge_training.evaluation.report.headline import Row, families, headline
from facegauge_training.evaluation.report.measured import Measured, in_words
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots import plot_baselines, plot_headline

__all__ = ["TARGET_LEAD", "baseline_sections"]

TARGET_LEAD = 0.15
"""SROCC, over every baseline."""


def baseline_sections(measured: Measured, resamples: int) -> tuple[list[Section], list[Row]]:
    """Return the sections on agreement beside the baselines, and the rows of the first one's table."""
    rows = headline(measured, resamples)
    titles = {baseline.name: baseline.title for baseline in BASELINES} | {"student": "this student"}
    return [_beside(measured, rows, titles), _by_family(measured, titles)], rows


def _beside(measured: Measured, rows: list[Row], titles: dict[str, str]) -> Section:
    order = [
        (
            titles.get(row.name, row.name),
            in_words(row.figures["srocc"]),
            in_words(row.lead, signed=True) if row.lead else "",
            in_words(row.figures["two_apart"]),
            in_words(row.figures["neighbours"]),
        )
        for row in rows
    ]
    ran = {row.name for row in rows}
    order += [
        (b.title, b.missing or "not run: --no-baselines", "", "", "") for b in BASELINES if b.name not in ran
    ]
    values = tuple(
        (
            titles.get(row.name, row.name),
            in_words(row.figures["plcc"]),
            in_words(row.figures["plcc_fitted"]),
            "on another scale" if row.lead else in_words(row.figures["rmse"]),
            in_words(row.figures["rmse_fitted"]),
        )
        for row in rows
    )
    caption = (
        f"Order, on {measured.plain.sum()} crops of {len(set(measured.faces))} faces. 95% intervals by "
        "bootstrap over faces, the same ones for all methods. Pairs are of one face, their labels 0.05 or "
        "more apart."
    )
    header = ("method", "SROCC", "student ahead by", "pairs two steps apart", "neighbours")
    return Section(
        "Beside the baselines",
        "How well each method orders and predicts the label, on the same crops of unseen faces: x264, VP9, "
        "defocus and received lines, whose label is plain VMAF/100. SROCC and order need no scale; PLCC and "
        "RMSE are given after a logistic fit too, made for each method on these very crops, which flatters "
        "all of them a little. The student was trained towards this label and on this crop; no baseline was.",
        f"A lead under {TARGET_LEAD} in SROCC over any baseline, or an interval of the lead that holds 0.",
        _verdict(rows, titles),
        (plot_headline(rows, titles), plot_baselines(measured, titles)),
        (
            Table(caption, header, tuple(order)),
            Table("Values", ("method", "PLCC", "PLCC fitted", "RMSE", "RMSE fitted"), values),
            Table(
                "Where the baselines come from",
                ("method", "origin", "higher is better"),
                tuple((b.title, b.origin, b.orientation) for b in BASELINES),
                words=True,
            ),
        ),
    )


def _verdict(rows: list[Row], titles: dict[str, str]) -> str:
    leads = {row.name: row.lead for row in rows if row.lead}
    missing = [baseline.title for baseline in BASELINES if baseline.name not in leads]
    not_run = f" Not run: {', '.join(missing)}." if missing else ""
    if not leads:
        return "No baseline was run." + not_run
    nearest = min(leads, key=lambda name: leads[name].value)
    reached = "reached" if leads[nearest].value >= TARGET_LEAD else "missed"
    student = rows[0].figures["two_apart"]
    orderly = max(rows[1:], key=lambda row: row.figures["two_apart"].value)
    return (
        f"The smallest lead in SROCC is {in_words(leads[nearest], signed=True)}, over "
        f"{titles.get(nearest, nearest)}: the target of {TARGET_LEAD} is {reached}. Within one face the "
        f"student orders {student.value:.1%} of the pairs two steps apart, "
        f"{titles.get(orderly.name, orderly.name)} {orderly.figures['two_apart'].value:.1%}: a lead in "
        f"SROCC without one in order lies between faces.{not_run}"
    )


def _by_family(measured: Measured, titles: dict[str, str]) -> Section:
    by_family = families(measured)
    names = list(measured.methods)
    lines = tuple(
        (
            family + (" (anchored)" if family in ANCHORED else ""),
            *(f"{by_family[family][name]:.3f}" for name in names),
        )
        for family in LADDER
        if family != "pristine"
    )
    ahead = [
        f"{titles.get(name, name)} in {family} ({value:.3f} to {row['student']:.3f})"
        for family, row in by_family.items()
        for name, value in row.items()
        if value > row["student"]
    ]
    header = ("family", *(titles.get(name, name) for name in names))
    return Section(
        "By family and codec",
        "SROCC within one family of the ladder and its pristine crops: a baseline may be good at the one "
        "defect that it was made for. x264 and VP9 are the codecs of the ladder; VP8 and AV1 were trained "
        "on and are not in it.",
        "A baseline ahead of the student within any family, or the student far weaker with one codec.",
        f"Ahead of the student: {'; '.join(ahead)}." if ahead else "No baseline is ahead within any family.",
        tables=(Table("SROCC, all faces", header, lines),),
    )
