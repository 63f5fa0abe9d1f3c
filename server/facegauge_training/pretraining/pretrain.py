r"""Pretrain a backbone without labels: distil a teacher's features into it, on all faces and backgrounds.

    facegauge-train pretrain --backbone mobilenetv3_small_100
    facegauge-train pretrain --backbone jnu620 --train-samples 32000 \
        --probe ~/.cache/facegauge/ladder-1

ImageNet's weights of most light backbones cannot be had from a package; EfficientNet-Lite0's can, so it is
the teacher. It is asked once about views of every photo of the splits train and natural (never val), and its
outputs stay in CACHE/pretraining for every backbone that comes after. See `distil` for how a backbone learns.
The same command goes on after a kill. Leaves backbone.pt, backbone.json and log.jsonl in
CACHE/pretrained/NAME, for `--start-from` of students and of the zoo's systems.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.sources import Source, read_sources
from facegauge_training.pretraining.backbones import Stages, build_backbone
from facegauge_training.pretraining.distil import distil
from facegauge_training.pretraining.feature_teacher import TEACHER
from facegauge_training.pretraining.plan import Plan
from facegauge_training.pretraining.probe import WIDTH, probe_backbone
from facegauge_training.pretraining.target_store import fill_targets
from facegauge_training.pretraining.views import CROPS, PATCHES
from facegauge_training.pretraining.weights import load_pretrained_backbone, save_pretrained

__all__ = ["PretrainOptions", "pretrain_backbone", "read_photos"]


def read_photos(
    faces: Path, limit: int | None = None, say: Callable[[str], None] = lambda _: None
) -> list[Source]:
    """Return the photos to learn from, sharp or not: the splits train and natural, in a mixed order.

    Raises:
        RecipeError: the folder or its index is missing, or lists no photo of train.
    """
    photos = read_sources(faces, "train", pristine=False)
    try:
        photos += read_sources(faces, "natural", pristine=False)
    except RecipeError as error:
        say(f"Only the split train: {error.message}")
    return sorted(photos, key=lambda photo: photo.key)[:limit]


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """What to pretrain, on what, and where the result goes."""

    backbone: str
    """A name of timm, a system of the zoo, or SYSTEM.TRUNK."""
    folder: Path
    """Gets backbone.pt, backbone.json and log.jsonl."""
    targets: Path
    """Folder of the teacher's outputs, computed where they are missing."""
    plan: Plan
    patch_pairs: int
    """Number for each photo."""
    crop_pairs: int
    """Number for each photo."""
    stores: tuple[Path, ...] = ()
    """Labelled crops to probe the backbone on, before and after."""


def pretrain_backbone(options: PretrainOptions, photos: list[Source], say: Callable[[str], None]) -> Path:
    """Pretrain a backbone without labels, and return the path of its weights.

    Args:
        options: what to pretrain.
        photos: to learn from, as `read_photos` returns them.
        say: takes lines for a person.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone, folder, plan, seed = options.backbone, options.folder, options.plan, options.plan.seed
    built = build_backbone(backbone, seed)
    random_figures: dict[str, float] | None = None

    # --- the teacher's outputs, once for all backbones
    patches = fill_targets(options.targets, photos, PATCHES, options.patch_pairs, seed, device)
    crops = fill_targets(options.targets, photos, CROPS, options.crop_pairs, seed, device)
    say(
        f"{backbone}: {2 * patches.pairs} patches and {2 * crops.pairs} crops of {len(photos)} photos from "
        f"{len({photo.name for photo in photos})} collections, strides {Stages(built.module).strides}"
    )

    # --- training and what it leaves
    folder.mkdir(parents=True, exist_ok=True)
    labelled = CropSet(list(options.stores), WIDTH) if options.stores else None
    if labelled is not None:
        random_figures = probe_backbone(build_backbone(backbone, seed), labelled)
    done = distil(built, patches, crops, folder, plan, device)
    metadata: dict[str, Any] = {
        "backbone": backbone,
        "normalisation": built.normalisation,
        "teacher": f"{TEACHER}, ImageNet",
        "splits": ["train", "natural"],
        "photos": len(photos),
        "sources": dict(sorted(Counter(photo.name for photo in photos).items())),
        "views": {"patches": 2 * patches.pairs, "crops": 2 * crops.pairs},
        "samples": plan.samples,
        "crop_share": plan.crop_share,
        "fixed_share": plan.fixed_share,
        "rate": plan.rate,
        "seed": seed,
        "losses": done.losses,
        "libraries": {"torch": torch.__version__, "timm": timm.__version__},
        "probe": None,
    }
    path = folder / "backbone.pt"
    save_pretrained(path, done.weights, metadata)
    if labelled is not None:
        load_pretrained_backbone(path, built.module.cpu(), built.normalisation)
        metadata["probe"] = {
            "labels": [store.name for store in options.stores],
            "crops": len(labelled),
            "random": random_figures,
            "pretrained": probe_backbone(built, labelled),
        }
        save_pretrained(path, done.weights, metadata)
        say(json.dumps(metadata["probe"]))
    say(f"{path} holds the averaged weights; held-out errors {json.dumps(done.losses)}")
    return path
