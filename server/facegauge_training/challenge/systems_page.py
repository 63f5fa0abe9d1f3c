"""Write docs/systems.md: a paragraph a system, from the registry, the recipes and what is said of each.

A test holds the page to this, so that it cannot drift.
"""

from __future__ import annotations

from textwrap import fill

import facegauge_models
from facegauge_models.about import ABOUT
from facegauge_models.registry import Model, Preprocessing
from facegauge_training.challenge.recipe import Recipe, Stage
from facegauge_training.challenge.team_recipes import RECIPES

__all__ = ["systems_page"]

WIDTH = 118
"""Columns of the page."""
PREFACE = """# The fourteen systems

Written by `facegauge-train systems-page` from the registry of the zoo and the recipes, in the order of the
report's ranks (Ma et al., "VQualA 2025 Challenge on Face Image Quality Assessment: Methods and Results", ICCV
Workshops 2025). Reported figures are the report's. What each of them reaches on our labels, and what it costs
here, stands in [table1.md](table1.md).

For all: `facegauge-train challenge --system NAME` trains it by its recipe on a folder of pictures with
scores, `facegauge-train systems` on our labels, `facegauge-train export --system NAME --run RUN` writes what
`facegauge-server --model` serves. Ours everywhere: gradients clipped at 5, statistics of batch normalisation
estimated before each look, heads that begin at the deviation of their features.
"""


def systems_page() -> str:
    """Return the page, Markdown."""
    parts = [_paragraph(facegauge_models.info(name)) for name in facegauge_models.names(teachers=False)]
    return PREFACE + "\n" + "\n\n".join(parts) + "\n"


def _paragraph(model: Model) -> str:
    about, recipe, reported = ABOUT[model.name], RECIPES[model.name], model.reported
    assert reported is not None  # noqa: S101 - systems have a row in the report, teachers are not listed
    rank = "baseline" if reported.rank is None else f"rank {reported.rank}"
    near = "to the report's last digit" if model.tolerance is None else f"within {model.tolerance:.0%} of it"
    text = (
        f"{model.team}, {rank}, section {recipe.section}. {about.what} "
        f"**Input**: {_prepared(model.test)}. "
        f"**Training**: {_training(recipe)}. "
        f"**Reported**: Score {reported.score:.4f} (SROCC {reported.srocc:.4f}, PLCC {reported.plcc:.4f}), "
        f"{reported.gflops:.4f} GFLOPs, {reported.params_m:.4f} M parameters; the network here: {near}. "
        f"**Ours in the network**: {about.ours} "
        f"**Ours in the recipe**: {recipe.silent} "
        f"Licences: {model.licence}."
    )
    return f"## {model.name}\n\n{fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)}"


def _prepared(how: Preprocessing) -> str:
    steps = []
    if how.size is not None:
        steps.append(f"resized to {how.size[0]}x{how.size[1]} (height x width)")
    if how.short_side is not None:
        steps.append(f"short side {how.short_side}")
    if how.crop is not None:
        border = ", with a black border where the picture is smaller" if how.pad else ""
        steps.append(f"the centre {how.crop[0]}x{how.crop[1]}{border}")
    return ", ".join(steps) or "pictures as they are"


def _training(recipe: Recipe) -> str:
    taught = {
        "scores": "; distils scores",
        "grades": "; distils embeddings and grades",
        "pseudo-labels": "; learns a teacher's labels",
        "": "",
    }[recipe.distillation]
    stages = ", then ".join(_stage(stage) for stage in recipe.stages)
    return f"loss `{recipe.loss}`, {recipe.optimiser}, {stages}{taught}"


def _stage(stage: Stage) -> str:
    return f"{stage.epochs} epochs of batches of {stage.batch} at {stage.rate:g} ({stage.schedule.kind})"
