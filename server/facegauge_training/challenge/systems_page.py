"""Write docs/systems.md: a paragraph a system, from the registry, the recipes and what is said of each.

A test holds the page to this, so that it cannot drift.
"""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import Any

import facegauge_models
from facegauge_models.about import ABOUT
from facegauge_models.registry import Model, Preprocessing
from facegauge_training.challenge.recipe import Recipe, Stage
from facegauge_training.challenge.team_recipes import RECIPES

__all__ = ["read_figures", "systems_page"]

WIDTH = 118
"""Columns of the page."""
BORDERS = {"black": "with a black border", "mirror": "mirrored at its border"}
"""What is said of each border that a preprocessing may add."""
PREFACE = """# The fourteen systems

Written by `facegauge-train systems-page` from the registry of the zoo and the recipes, in the order of the
report's ranks (Ma et al., "VQualA 2025 Challenge on Face Image Quality Assessment: Methods and Results", ICCV
Workshops 2025). Reported figures are the report's. What each of them reaches on our labels, and what it costs
here, stands in [table1.md](table1.md).

For all: `facegauge-train challenge --system NAME` trains it by its recipe on a folder of pictures with
scores, `facegauge-train systems` on our labels, `facegauge-train export --system NAME --run RUN` writes what
`facegauge-server --model` serves. Ours everywhere: gradients clipped at 5, statistics of batch normalisation
estimated before each look, heads that begin at the deviation of their features.

Trained weights of `next` and `2077agent`, two of the three best, are in
[examples/systems](../examples/systems); the third's are over 4 MB, and `facegauge-small`, which the
server ships, has a higher Score than any system in less time a face. To have the others, run
`facegauge-train pretrain` for the backbones that the table names and `facegauge-train systems`; the
table has the hours.
"""

NOT_BUILT = """
## Not built

- Next's prompts. Theirs are learnt tokens that CLIP's text encoder turns into the anchors of the grades; here
  the teacher learns the anchors themselves, which the student takes over as it would take theirs. What is
  lost is the start near words, and the bounds that the encoder sets. The encoder's weights come with neither
  torchvision nor timm, whose CLIP is the picture's tower alone, nor with a package that this project
  installs; with random ones a prompt means nothing.
- PFLD, NJUPT's landmarks, whose weights no package brings: MediaPipe's key points stand for them.
- The challenge's data, GFIQA-20k and CGFIQA, and the winner's 400,000 pictures: give yours, `--images`,
  `--extra-images`, `--unlabelled`.
"""


def systems_page(figures: dict[str, dict[str, Any]]) -> str:
    """Return the page, Markdown.

    Args:
        figures: of the systems in our table, by name; those that are missing are not told.
    """
    names = facegauge_models.names(teachers=False)
    parts = [_paragraph(facegauge_models.info(name), figures.get(name)) for name in names]
    return PREFACE + "\n" + "\n\n".join(parts) + "\n" + NOT_BUILT


def read_figures(table: Path) -> dict[str, dict[str, Any]]:
    """Return the figures that `table1` left beside its page, none where it did not."""
    if not table.is_file():
        return {}
    read: dict[str, dict[str, Any]] = json.loads(table.read_text(encoding="utf-8"))
    return read


def _paragraph(model: Model, measured: dict[str, Any] | None) -> str:
    about, recipe, reported = ABOUT[model.name], RECIPES[model.name], model.reported
    assert reported is not None  # noqa: S101 - systems have a row in the report, teachers are not listed
    rank = "baseline" if reported.rank is None else f"rank {reported.rank}"
    near = "to the report's last digit" if model.tolerance is None else f"within {model.tolerance:.0%} of it"
    tried = f"**Tried to settle it**: {about.tried} " if about.tried else ""
    text = (
        f"{model.team}, {rank}, section {recipe.section}. {about.what} "
        f"**Input**: {_prepared(model.test)}. "
        f"**Training**: {_training(recipe)}. "
        f"**Reported**: Score {reported.score:.4f} (SROCC {reported.srocc:.4f}, PLCC {reported.plcc:.4f}), "
        f"{reported.gflops:.4f} GFLOPs, {reported.params_m:.4f} M parameters; the network here: {near}. "
        f"{_on_our_labels(measured)}"
        f"**Ours in the network**: {about.ours} "
        f"{tried}"
        f"**Ours in the recipe**: {recipe.silent} "
        f"Licences: {model.licence}."
    )
    return f"## {model.name}\n\n{fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)}"


def _on_our_labels(measured: dict[str, Any] | None) -> str:
    if measured is None:
        return ""
    low, high = measured["score_interval_95"]
    return (
        f"**On our labels**: Score {measured['score']:.4f} ({low:.3f} to {high:.3f}; SROCC "
        f"{measured['srocc']:.4f}, PLCC {measured['plcc']:.4f}), {measured['gmacs']:.4f} GMACs, "
        f"{measured['parameters'] / 1e6:.4f} M parameters, {measured['ms']:.1f} ms a face, after "
        f"{measured['samples']:,} pictures. "
    )


def _prepared(how: Preprocessing) -> str:
    steps = []
    if how.size is not None:
        steps.append(f"resized to {how.size[0]}x{how.size[1]} (height x width)")
    if how.short_side is not None:
        steps.append(f"short side {how.short_side}")
    if how.crop is not None:
        border = f", {BORDERS[how.pad]} where the picture is smaller" if how.pad else ""
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
