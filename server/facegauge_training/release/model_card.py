"""Write a student's model card: the words from `MODEL_CARD.template.md`, every figure from the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["write_card"]

TEMPLATE = Path(__file__).with_name("MODEL_CARD.template.md")


def write_card(path: Path, manifest: dict[str, Any], licences: dict[str, str]) -> None:
    """Write the model card of a manifest.

    Args:
        path: of the Markdown file.
        manifest: as `export` writes it.
        licences: source -> licence as the index of faces tells it, for every source trained on.
    """
    measured = manifest["measured"]
    low, high = measured["interval_95"]["srocc"]
    families = (
        f"| {name} | {row['srocc']:.3f} | {row['plcc']:.3f} | {row['rmse']:.3f} | {_spread(measured, name)} |"
        for name, row in measured["families"].items()
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
        "sources": "\n".join(
            f"- `{name}`: {licences.get(name, 'not stated')}" for name in manifest["trained_on"]
        ),
    }
    path.write_text(TEMPLATE.read_text(encoding="utf-8").format(**fields), encoding="utf-8")


def _spread(measured: dict[str, Any], family: str) -> str:
    spreads = (value for key, value in measured["spread"].items() if key.startswith(family + " "))
    return ", ".join(f"{value:.3f}" for value in spreads)
