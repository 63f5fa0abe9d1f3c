"""State in a model's manifest and card how far a score of it may be off: of one crop, and of a stream."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from facegauge_training.common.atomic import write_json
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.marked import put_marked

__all__ = ["MARK", "state_uncertainty", "uncertainty_words"]

MARK = "uncertainty"
NOT_STATED = "Not measured yet: `facegauge-train evaluate --model MODEL.onnx --card`."


def state_uncertainty(folder: Path, figures: dict[str, Any]) -> None:
    """Write the intervals of an evaluation into manifest.json and MODEL_CARD.md of a model.

    Raises:
        RecipeError: there is no manifest or card, or the evaluation was too small for intervals.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise RecipeError(f"There is no {path} to state an uncertainty in: run `facegauge-train export`.")
    if "one_crop_interval" not in figures:
        raise RecipeError("The ladder has too few faces to state an uncertainty: build more of it.")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["uncertainty"] = {
        "one_crop": figures["one_crop_interval"],
        "stream": (figures.get("calls") or {}).get("stream_interval"),
        "own_bias": figures["own_bias"],
    }
    put_marked(folder / "MODEL_CARD.md", {MARK: uncertainty_words(manifest)})
    write_json(path, manifest)


def uncertainty_words(manifest: dict[str, Any]) -> str:
    """Return what a card says of the uncertainty, Markdown."""
    stated = manifest.get("uncertainty")
    if not stated:
        return NOT_STATED
    crop, stream, bias = stated["one_crop"], stated["stream"], stated["own_bias"]
    words = [
        "Where the label of **one crop** lies, nine times of ten, and where the truth of a **stream** does,",
        "whose score the server has smoothed:",
        "",
        *_table(crop, stream),
        "",
        f"Made from half of the faces, the first holds {crop['held_out_coverage']:.1%} of other labels.",
    ]
    if stream:
        words += [
            "The second comes from talking faces in calls that get worse, beside a truth that is smoothed",
            f"alike; made from half of the videos, it holds {stream['held_out_coverage']:.1%} of others.",
        ]
    words += [
        f"A face's own bias, which stays throughout a call, has a standard deviation of {bias['value']:.3f}",
        "over faces: a difference within one call is surer than one between calls. A camera that is soft",
        "itself looks like a link that softened the picture: its score is low by more than the first says.",
    ]
    return "\n".join(words)


def _table(crop: dict[str, Any], stream: dict[str, Any] | None) -> list[str]:
    rows = ["| score | label of one crop, less the score | score | truth of a stream, less the score |"]
    rows.append("|---|---|---|---|")
    left, right = _cells(crop), _cells(stream) if stream else []
    for n in range(max(len(left), len(right))):
        first = left[n] if n < len(left) else ("", "")
        second = right[n] if n < len(right) else ("", "")
        rows.append(f"| {' | '.join((*first, *second))} |")
    return rows


def _cells(interval: dict[str, Any]) -> list[tuple[str, str]]:
    ranges = interval["ranges"]
    half = min((b["score"] - a["score"] for a, b in pairwise(ranges)), default=1.0) / 2
    return [
        (f"{r['score'] - half:.1f} to {r['score'] + half:.1f}", f"{r['low']:+.2f} to {r['high']:+.2f}")
        for r in ranges
    ]
