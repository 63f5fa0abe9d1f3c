"""Export a system of the challenge for the server: its own resize, cut and normalisation within the network.

Leaves model.onnx, manifest.json and MODEL_CARD.md in a folder that `facegauge-server --model FOLDER` serves.
Every figure in them is measured here or stands in the training's result.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import facegauge_models
from facegauge_models.measure import count_gflops, count_params, crop_example, onnx_bytes, onnx_difference
from facegauge_models.served import ServedSystem
from facegauge_server.types import Pixels
from facegauge_training.challenge.weights import load_network
from facegauge_training.common.atomic import atomic_file, write_json, write_text
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.release.manifest import MAX_DIFFERENCE, MODEL_FILE, Exported

__all__ = ["export_system"]

CARD = """# {name}

{team}'s network of the VQualA 2025 face image quality challenge, rebuilt from the report and trained by
Facegauge (`facegauge-train systems` or `challenge`). It is not the team's own model, and its score is not the
challenge's: it was trained on labels anchored on VMAF.

| | |
|---|---|
| takes | the server's crop, {width}x{height} px, RGB; resize, cut and normalisation are in the network |
| gives | quality, 0-1, 1 best |
| multiply-adds | {gflops:.4f} billion, resize included (the report: {reported:.4f} without) |
| parameters | {parameters:,} |
| ONNX and torch | at most {difference:.1e} apart |
| weights at the start | {initialisation} |
| teacher | {teacher} |
| pictures seen | {samples} |
| Score on held-out photos | {score} |

Licence: {licence}.
"""


def export_system(checkpoint: Path, folder: Path, system: str, version: str) -> dict[str, Any]:
    """Write a trained system's files, and return the manifest.

    Args:
        checkpoint: model.pt of its training; result.json beside it tells how it was trained.
        folder: gets the files; made if it is missing.
        system: that it must be.
        version: of the model.

    Raises:
        RecipeError: the checkpoint is another system's, or torch and ONNX Runtime disagree.
    """
    name, network = load_network(checkpoint)
    if name != system:
        raise RecipeError(f"{checkpoint} is a {name}, not a {system}: give its run, or --system {name}.")
    model = facegauge_models.info(system)
    served = ServedSystem(network, model.test, CROP_HEIGHT, CROP_WIDTH).eval()
    example = crop_example(CROP_HEIGHT, CROP_WIDTH)
    coded = onnx_bytes(served, example, "pixels")
    difference = onnx_difference(served, coded, _example_crops())
    if not difference <= MAX_DIFFERENCE:
        raise RecipeError(
            f"ONNX Runtime and torch are {difference:.1e} apart on {system} (at most {MAX_DIFFERENCE}): "
            "report this; the weights are whole."
        )
    told = checkpoint.with_name("result.json")
    trained = json.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
    exported = Exported(
        coded, CROP_WIDTH, CROP_HEIGHT, count_gflops(served, example), count_params(served), difference
    )
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / MODEL_FILE) as file:
        file.write(coded)
    architecture = f"facegauge_models.{model.builder.replace(':', '.')}"
    manifest: dict[str, Any] = {
        **exported.fields(system, version, architecture, {"quality": "quality"}),
        "training": {key: trained[key] for key in TOLD if key in trained},
        "license": model.licence,
    }
    write_json(folder / "manifest.json", manifest)
    write_text(folder / "MODEL_CARD.md", _card(manifest, model))
    return manifest


TOLD = (
    "initialisation", "teacher", "train_pictures", "samples", "steps", "batch", "seed", "schedule", "device",
    "score", "score_interval_95", "srocc", "plcc", "rmse",
)  # fmt: skip
"""What a manifest repeats of a training's result.json."""


def _card(manifest: dict[str, Any], model: facegauge_models.Model) -> str:
    trained = manifest["training"]
    score = trained.get("score")
    return CARD.format(
        name=manifest["name"],
        team=model.team,
        width=CROP_WIDTH,
        height=CROP_HEIGHT,
        gflops=manifest["gflops"],
        reported=model.reported.gflops if model.reported else float("nan"),
        parameters=manifest["parameters"],
        difference=manifest["onnx_torch_difference"],
        initialisation=trained.get("initialisation", "not recorded"),
        teacher=trained.get("teacher", "not recorded"),
        samples=trained.get("samples", "not recorded"),
        score="not recorded" if score is None else f"{score:.4f}",
        licence=manifest["license"],
    )


def _example_crops(count: int = 4) -> Pixels:
    """Return invented crops to compare runtimes on: textures of falling detail, uint8 (n, 384, 288, 3)."""
    rng = np.random.default_rng(0)
    crops = []
    for n in range(count):
        cells = 2**n
        coarse = rng.integers(0, 256, (CROP_HEIGHT // cells, CROP_WIDTH // cells, 3))
        crops.append(coarse.repeat(cells, 0).repeat(cells, 1))
    return np.stack(crops).astype(np.uint8)
