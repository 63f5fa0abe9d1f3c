r"""Pretrain a backbone without labels: distil a teacher's features into it, on all faces and backgrounds.

    facegauge-train pretrain --backbone mobilenetv3_small_100
    facegauge-train pretrain --backbone jnu620 --train-samples 32000 \
        --probe ~/.cache/facegauge/ladder-1

ImageNet's weights of most light backbones cannot be had from a package; EfficientNet-Lite0's can, so it is
the teacher. It is asked once about views of every photo of the splits train and natural (never val), and its
answers stay in CACHE/pretraining for every backbone that comes after. See `distil` for how a backbone learns.
The same command goes on after a kill. Leaves backbone.pt, backbone.json and log.jsonl in
CACHE/pretrained/NAME, for `--start-from` of students and of the zoo's systems.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click
import timm
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.sources import Source, read_sources
from facegauge_training.pretraining.backbones import Stages, build_backbone
from facegauge_training.pretraining.distil import BATCH, Plan, distil
from facegauge_training.pretraining.feature_teacher import TEACHER
from facegauge_training.pretraining.probe import WIDTH, probe_backbone
from facegauge_training.pretraining.target_store import fill_targets
from facegauge_training.pretraining.views import CROPS, PATCHES
from facegauge_training.pretraining.weights import load_pretrained_backbone, save_pretrained

__all__ = ["pretrain", "read_photos"]


def read_photos(faces: Path, limit: int | None = None) -> list[Source]:
    """Return the photos to learn from, sharp or not: the splits train and natural, in a mixed order.

    Raises:
        RecipeError: the folder or its index is missing, or lists no photo of train.
    """
    photos = read_sources(faces, "train", pristine=False)
    try:
        photos += read_sources(faces, "natural", pristine=False)
    except RecipeError as error:
        click.echo(f"Only the split train: {error.message}")
    return sorted(photos, key=lambda photo: photo.key)[:limit]


@click.command("pretrain")
@click.option(
    "--backbone", required=True, help="Backbone: a name of timm, a system of the zoo, or SYSTEM.TRUNK."
)
@click.option(
    "--faces",
    type=click.Path(path_type=Path),
    default=Path("../shared/faces"),
    show_default=True,
    help="Folder of photos.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("~/.cache/facegauge"),
    show_default=True,
    help="Cache.",
)
@click.option(
    "--targets", type=click.Path(path_type=Path), help="The teacher's answers  [default: CACHE/pretraining]"
)
@click.option(
    "--train-samples",
    "samples",
    type=click.IntRange(min=BATCH),
    default=64_000,
    show_default=True,
    help="Number of views to train on.",
)
@click.option(
    "--crop-share",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share of whole crops, at the end.",
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--patch-pairs", type=click.IntRange(min=1), default=2, show_default=True, help="Number for each photo."
)
@click.option(
    "--crop-pairs", type=click.IntRange(min=1), default=1, show_default=True, help="Number for each photo."
)
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of photos.")
@click.option(
    "--probe", "stores", type=click.Path(path_type=Path), multiple=True, help="Labelled crops to read."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all random choices.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of torch.")
def pretrain(
    backbone: str,
    faces: Path,
    cache: Path,
    targets: Path | None,
    samples: int,
    crop_share: float,
    rate: float,
    patch_pairs: int,
    crop_pairs: int,
    limit: int | None,
    stores: tuple[Path, ...],
    seed: int,
    threads: int,
) -> None:
    """Pretrain a backbone without labels."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = cache.expanduser() / "pretrained" / backbone
    built = build_backbone(backbone, seed)
    random_figures: dict[str, float] | None = None

    # --- the teacher's answers, once for all backbones
    photos = read_photos(faces, limit)
    place = targets.expanduser() if targets else cache.expanduser() / "pretraining"
    patches = fill_targets(place, photos, PATCHES, patch_pairs, seed, device)
    crops = fill_targets(place, photos, CROPS, crop_pairs, seed, device)
    click.echo(
        f"{backbone}: {2 * patches.pairs} patches and {2 * crops.pairs} crops of {len(photos)} photos from "
        f"{len({photo.name for photo in photos})} collections, strides {Stages(built.module).strides}"
    )

    # --- training and what it leaves
    folder.mkdir(parents=True, exist_ok=True)
    labelled = CropSet([path.expanduser() for path in stores], WIDTH) if stores else None
    if labelled is not None:
        random_figures = probe_backbone(build_backbone(backbone, seed), labelled)
    plan = Plan(samples, crop_share, rate, seed)
    done = distil(built, patches, crops, folder, plan, device)
    metadata: dict[str, Any] = {
        "backbone": backbone,
        "normalisation": built.normalisation,
        "teacher": f"{TEACHER}, ImageNet",
        "splits": ["train", "natural"],
        "photos": len(photos),
        "sources": dict(sorted(Counter(photo.name for photo in photos).items())),
        "views": {"patches": 2 * patches.pairs, "crops": 2 * crops.pairs},
        "samples": samples,
        "crop_share": crop_share,
        "rate": rate,
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
            "labels": [store.name for store in stores],
            "crops": len(labelled),
            "random": random_figures,
            "pretrained": probe_backbone(built, labelled),
        }
        save_pretrained(path, done.weights, metadata)
        click.echo(json.dumps(metadata["probe"]))
    click.echo(f"{path} holds the averaged weights; held-out errors {json.dumps(done.losses)}")


if __name__ == "__main__":
    pretrain()
