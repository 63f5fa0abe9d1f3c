"""The words of a model card follow from its manifest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facegauge_training.release.export import ASSETS
from facegauge_training.release.model_card import model_card


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A shipped student's that names causes, with an origin."""
    shipped: dict[str, Any] = json.loads((ASSETS / "facegauge-accurate" / "manifest.json").read_text())
    origin = {"started_from": ["random"], "teachers": [], "labelled_by": {"vmaf": 1200}, "trained_on": ["a"]}
    return shipped | origin


@pytest.mark.parametrize(
    ("started_from", "words"),
    [
        (["random"], "Training started from random weights."),
        (["imagenet"], "Training started from ImageNet's weights (NOTICE names the package)."),
        (["b/student.pt", "random"], "started from `b/student.pt`, which began with random weights."),
        (
            ["c/student.pt", "b/student.pt", "imagenet"],
            "`c/student.pt`, which started from `b/student.pt`, which began with ImageNet's weights (NOTICE",
        ),
        (["b/student.pt"], "started from `b/student.pt`, whose own start is not recorded."),
        (
            ["pretrained/backbone.pt", "features of tf_efficientnet_lite0, ImageNet"],
            "from `pretrained/backbone.pt`, which began with the features of tf_efficientnet_lite0, ImageNet",
        ),
    ],
)
def test_the_start_is_said_as_it_was(manifest: dict[str, Any], started_from: list[str], words: str) -> None:
    """As far back as the checkpoints say, and no further."""
    assert words in " ".join(model_card(manifest | {"started_from": started_from}, {}).split())


def test_labels_and_teachers_are_named(manifest: dict[str, Any]) -> None:
    """Who labelled how many crops, from whom it was distilled, and which licence is not stated."""
    told = manifest | {"labelled_by": {"t@1": 8, "vmaf": 1200}, "teachers": ["t@1"], "trained_on": ["a", "b"]}
    card = " ".join(model_card(told, {"a": "CC0"}).split())
    assert "the teacher `t@1`: 8; VMAF and the anchors above: 1,200" in card
    assert "distilled from `t@1`" in card
    assert "- `a`: CC0 - `b`: not stated" in card
    assert "no teacher" in model_card(manifest, {})


def test_the_winners_backbone_is_not_called_the_winners_network(manifest: dict[str, Any]) -> None:
    """EdgeNeXt's card tells the two apart, with both costs; another's says nothing of it."""
    assert "winner" not in model_card(manifest, {})
    edgenext = json.loads((ASSETS / "edgenext" / "manifest.json").read_text())
    told = ("started_from", "teachers", "labelled_by", "trained_on", "measured_causes")
    origin = {name: manifest[name] for name in told}
    card = " ".join(model_card(edgenext | origin, {}).split())
    assert "not the winner's network" in card
    assert "0.442 billion multiply-adds" in card
    assert "0.3313" in card


@pytest.mark.parametrize("name", ["facegauge-small", "facegauge-accurate", "edgenext"])
def test_the_shipped_cards_speak_of_multiply_adds(name: str) -> None:
    """And not of GFLOPs alone, and EdgeNeXt's of whose backbone it has."""
    card = (ASSETS / name / "MODEL_CARD.md").read_text()
    assert "billion multiply-adds" in " ".join(card.split())
    assert ("not the winner's network" in " ".join(card.split())) == (name == "edgenext")
