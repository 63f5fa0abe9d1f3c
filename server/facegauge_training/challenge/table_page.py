"""Write the report's Table 1 on our labels, from what was measured of the systems and of our students."""

from __future__ import annotations

from typing import Any

import facegauge_models
from facegauge_training.challenge.measured_systems import CROP, FIGURES, Row
from facegauge_training.challenge.protocol import LEAST_RATE
from facegauge_training.challenge.team_recipes import RECIPES

__all__ = ["figures", "page"]

HEAD = (
    "| rank | system | reported Score | backbone begins from | teacher | Score (95%) | SROCC | within a face "
    "| PLCC | RMSE | held out | GMACs | M params | ms | pictures | hours |\n"
    "|---:|---|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)

PREFACE = """# Table 1 on our labels

Written by `facegauge-train table1` from what `facegauge-train systems` trained. The reported Score is
agreement with the challenge's own labels, on its data; ours is agreement with labels anchored on VMAF, on
faces from sources that no system was trained on. The two do not compare, and neither is agreement with
people. Rows stand in the order of the report's ranks. [low_rows.md](low_rows.md) tells what keeps rows low.

"""
PROTOCOL = """Protocol: every system sees {samples} crops, {batch} at a time, with its own head, loss,
optimiser, stages, sizes, augmentation, sampler and held-out share. What differs from the report, for all:
a short training has the shape of its schedule (tenfold falls every few epochs become two, at 50% and 80%; the
rate rises at first); where a team's first rate is below {least:g}, all its rates are multiplied to make it
that; statistics of batch normalisation are estimated before each look; a head begins at the deviation of its
features and the mean label. Trained on {device}, seed {seed}; matrices kept in 16 bits.

Score is (SROCC + PLCC) / 2, PLCC as it is, on {pictures} crops of {groups} faces of the ladder (x264, VP9,
defocus, lines); intervals are 95%, by bootstrap over faces. "Within a face": the mean of SROCC over the
crops of one face, where what a system makes of the face itself does not count. "Held out": the Score on
photos of the training sources that nothing was trained on. GMACs (what the report calls GFLOPs), parameters
and milliseconds are measured: fvcore's count, and one face in OpenVINO, float32, CPU time on one core,
without resizing; at {crop} where a system takes any size. Hours are those of its training, beside others.
Below the systems stand, on the same crops, the students that the server ships, which other recipes made
([students.md](students.md)): they do not compare as networks.

"""
AVERAGED = """The baseline that averages twenty random patches of a picture, as the report's better one
did, is over the limit of cost.

"""


def page(
    systems: dict[str, Row], patches: dict[str, Row], students: dict[str, Row], plot: str | None = None
) -> str:
    """Return the page: the protocol, the plot, and a line a system in the order of the report's ranks.

    Args:
        systems: that were trained, by name.
        patches: the baseline that averages random patches, if it was measured.
        students: of ours.
        plot: name of the picture beside the page.
    """
    text = PREFACE
    if systems:
        some = next(iter(systems.values()))
        trained = some["trained"]
        text += PROTOCOL.format(
            samples=f"{trained['samples']:,}",
            batch=max(trained["batch"]),
            least=LEAST_RATE,
            device=trained["device"],
            seed=trained["seed"],
            pictures=f"{some['pictures']:,}",
            groups=some["groups"],
            crop=f"{CROP[0]}x{CROP[1]}",
        )
        text += AVERAGED if patches else ""
        runs = [row["trained"] for row in systems.values()]
        settings = {(run["samples"], run["device"], run["seed"]) for run in runs}
        if len(settings) > 1:
            text += "**Rows were trained under different protocols** (see each run's result.json).\n\n"
        if len({run["initialisation"] == "random" for run in runs}) > 1:
            text += "**Rows that begin at random and rows that do not are not to be compared.**\n\n"
    if plot:
        text += f"![Score against milliseconds]({plot})\n\n"
    lines = [_line(name, systems.get(name)) for name in facegauge_models.names(teachers=False)]
    lines += [f"| - | {name} | - {_cells('baseline', row)}" for name, row in patches.items()]
    lines += [f"| ours | {name} | - {_cells(name, row)}" for name, row in students.items()]
    return text + HEAD + "\n".join(lines) + "\n"


def figures(systems: dict[str, Row], students: dict[str, Row]) -> dict[str, dict[str, Any]]:
    """Return what other pages tell of the rows, by name."""
    return {
        name: {key: row[key] for key in FIGURES} | {"samples": row["trained"]["samples"]}
        for name, row in {**systems, **students}.items()
    }


def _line(name: str, row: Row | None) -> str:
    reported = facegauge_models.info(name).reported
    assert reported is not None  # noqa: S101 - systems have a row in the report, teachers are not listed
    start = f"| {reported.rank or '-'} | {name} | {reported.score:.4f} "
    return start + ("| **not trained** |" + " |" * 12 if row is None else _cells(name, row))


def _cells(name: str, row: Row) -> str:
    low, high = row["score_interval_95"]
    trained = row["trained"]
    taught = str(trained["teacher"]).split("@")[0]
    if taught == "none" and name in RECIPES and RECIPES[name].distillation:
        taught = "none (its recipe has one)"
    kept = f"{trained['score']:.4f}" if "score" in trained else "-"
    hours = f"{trained['seconds'] / 3600:.2f}" if "seconds" in trained else "-"
    return (
        f"| {trained['initialisation']} | {taught} | {row['score']:.4f} ({low:.3f} to {high:.3f}) "
        f"| {row['srocc']:.4f} | {row['srocc_within']:.4f} | {row['plcc']:.4f} | {row['rmse']:.4f} | {kept} "
        f"| {row['gmacs']:.4f} | {row['parameters'] / 1e6:.4f} | {row['ms']:.1f} | {trained['samples']:,} "
        f"| {hours} |"
    )
