"""Write a student's model card: the words from `MODEL_CARD.template.md`, every figure from the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facegauge_training.common.atomic import write_text
from facegauge_training.release.uncertainty import uncertainty_words

__all__ = ["model_card", "write_card"]

TEMPLATE = Path(__file__).with_name("MODEL_CARD.template.md")
BACKBONE_NOTES = {
    "edgenext_xx_small": (
        "Its backbone is that of the VQualA 2025 challenge's winner (EdgeNeXt-XX-Small); head, input size\n"
        "and training are this project's. It is not the winner's network, for which the report gives 0.3313\n"
        "GFLOPs (multiply-adds) and 1.1796 M parameters."
    )
}
"""What a card says of a backbone that readers may take for something else."""


def write_card(path: Path, manifest: dict[str, Any], licences: dict[str, str]) -> None:
    """Write the model card of a manifest.

    Args:
        path: of the Markdown file.
        manifest: as `export` writes it.
        licences: collection -> licence as the index of faces states it.
    """
    write_text(path, model_card(manifest, licences))


def model_card(manifest: dict[str, Any], licences: dict[str, str]) -> str:
    """Return the model card of a manifest, Markdown; arguments as for `write_card`."""
    measured = manifest["measured"]
    low, high = measured["interval_95"]["srocc"]
    families = (
        f"| {name} | {row['srocc']:.3f} | {row['plcc']:.3f} | {row['rmse']:.3f} | {_spread(measured, name)} |"
        for name, row in measured["families"].items()
    )
    backbone = manifest["architecture"].removeprefix("FaceStudent(").removesuffix(")")
    note = BACKBONE_NOTES.get(backbone)
    teachers = ", ".join(f"`{name}`" for name in manifest["teachers"])
    causes = manifest["measured_causes"]
    by_cause = (
        f"| {cause} | {row['crops']} | {_figure(row['srocc'], '.3f')} | {row['mae']:.3f} "
        f"| {row['costs_most']} | {_figure(row['named_first'], '.1%')} |"
        for cause, row in causes["by_cause"].items()
    )
    fields = {
        **manifest,
        **measured,
        **measured["ordered_pairs"],
        "width": manifest["input"]["width"],
        "height": manifest["input"]["height"],
        "megaparameters": manifest["parameters"] / 1e6,
        "megabytes": manifest["bytes"] / 1e6,
        "anchored_neighbours": measured["anchored_ordered_pairs"]["neighbours"],
        "anchored_two_apart": measured["anchored_ordered_pairs"]["two_apart"],
        "low": low,
        "high": high,
        "families": "\n".join(families),
        "by_cause": "\n".join(by_cause),
        "named_first": causes.get("named_first", 0.0),
        "cause_crops": causes["crops"],
        "cause_mae": causes.get("cause_mae", 0.0),
        "pristine_crops": causes["pristine_crops"],
        "pristine_with_a_cause": causes["pristine_with_a_cause"],
        "uncertainty_words": uncertainty_words(manifest),
        "backbone_note": f"\n{note}\n" if note else "",
        "start_note": _start(manifest["started_from"]),
        "samples_note": f"It saw {manifest['train_samples']:,} samples in all.",
        "teachers_note": f"It was distilled from {teachers}." if teachers else "It had no teacher.",
        "labels_note": "; ".join(f"{_labeller(w)}: {n:,}" for w, n in manifest["labelled_by"].items()),
        "sources": "\n".join(
            f"- `{name}`: {licences.get(name, 'not stated')}" for name in manifest["trained_on"]
        ),
    }
    return TEMPLATE.read_text(encoding="utf-8").format(**fields)


def _start(started_from: list[str]) -> str:
    """Say what the weights were at the start: of the last run first, as far back as the checkpoints say."""
    known = {"random": "random weights", "imagenet": "ImageNet's weights (NOTICE names the package)"}
    *runs, first = started_from
    if first.startswith("features of "):
        known[first] = f"the {first} (`facegauge-train pretrain`)"
    if first not in known:
        runs, ending = [*runs, first], ", whose own start is not recorded"
    else:
        ending = f", which began with {known[first]}" if runs else known[first]
    if not runs:
        return f"Training started from {ending}."
    return "Training started from " + ", which started from ".join(f"`{run}`" for run in runs) + ending + "."


def _figure(value: float | None, how: str) -> str:
    return "" if value is None else format(value, how)


def _labeller(name: str) -> str:
    return "VMAF and the anchors above" if name == "vmaf" else f"the teacher `{name}`"


def _spread(measured: dict[str, Any], family: str) -> str:
    spreads = (value for key, value in measured["spread"].items() if key.startswith(family + " "))
    return ", ".join(f"{value:.3f}" for value in spreads)
