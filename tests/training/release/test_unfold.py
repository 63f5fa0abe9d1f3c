"""A shipped student becomes a run again: it computes what its ONNX file does, and can be trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.release.export import ASSETS, shipped_models

UNFOLDING = [model.parent for model in shipped_models() if model.parent.name != "edgenext"]


@pytest.mark.parametrize("model", UNFOLDING, ids=lambda folder: folder.name)
def test_training_goes_on_where_the_file_stands(model: Path, cache: Path, done: Callable[..., str]) -> None:
    """In training mode, on crops like those of the cache, scores stay what they are when served."""
    manifest = json.loads((model / "manifest.json").read_text())
    said = done("unfold", "--cache", cache, "--run", f"unfolded-{model.name}", "--model", model)
    assert "from the ONNX file" in said
    trained = load_trained(cache / "runs" / f"unfolded-{model.name}" / "student.pt")
    assert trained.width == manifest["input"]["width"]
    assert trained.provenance.all_sources() == sorted(manifest["trained_on"])
    assert trained.provenance.samples == manifest["train_samples"]
    crops = CropSet(train_stores(cache), trained.width)
    pixels = torch.from_numpy(np.stack([crops[i] for i in range(len(crops))]))
    with torch.no_grad():
        served = trained.network(pixels)[0]
        trained.network.train()
        torch.manual_seed(0)
        training = trained.network(pixels)[0]
    assert (training - served).abs().max() < 0.1  # a half with statistics that are not its own; dropout is on
    assert served.std() > 0.005


def test_a_student_starts_from_it(cache: Path, done: Callable[..., str]) -> None:
    """`--start-from` takes the run, and what is trained says on whose photos it began."""
    model = UNFOLDING[0]
    manifest = json.loads((model / "manifest.json").read_text())
    done("unfold", "--cache", cache, "--run", "first", "--model", model)
    options = ("--backbone", "mobilenetv3_small_100", "--width", "96", "--threads", "1")
    done(
        "student",
        "--cache",
        cache,
        "--run",
        "second",
        "--start-from",
        "first",
        *options,
        "--train-samples",
        "32",
    )
    origin = load_trained(cache / "runs" / "second" / "student.pt").provenance
    assert origin.samples == manifest["train_samples"] + 32
    assert set(manifest["trained_on"]) < set(origin.all_sources())


def test_what_cannot_be_read_back_is_refused(
    cache: Path, train: Callable[..., Result], tmp_path: Path
) -> None:
    """A folder without a manifest, and a network of other layers, end in a sentence; no run is left."""
    refused = train("unfold", "--cache", cache, "--run", "none", "--model", tmp_path)
    assert refused.exit_code != 0
    assert "manifest.json" in refused.output
    refused = train("unfold", "--cache", cache, "--run", "none", "--model", ASSETS / "edgenext")
    assert refused.exit_code != 0
    assert "neither convolutions nor heads" in refused.output
    assert not (cache / "runs" / "none" / "student.pt").exists()
