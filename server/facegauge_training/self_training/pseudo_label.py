"""A round of self-training: a teacher labels faces that nobody could measure, for the next teacher to learn.

    python -m facegauge_training.self_training.pseudo_label --round 1 --teacher teacher-0 --videos ../shared/videos
    python -m facegauge_training.fitting.train_teacher --run teacher-1 --start-from teacher-0 --pseudo-round 1

As the challenge's winner did (Ma et al., VQualA 2025, section 3.1): soft photos (the index's split
`natural`), moments of videos, and fresh degradations of both, cut as serving cuts. Scores are mapped onto
labels by the logistic curve of four parameters that fits the teacher on held-out labelled crops. Each round
has its own degradations, and is a store like any other whose rows tell who labelled them. Nothing from the
val split's sources, or that looks like one of its photos, gets in. Resumes after a kill.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import logistic_fit
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import pseudo_store, write_source
from facegauge_training.fitting.checkpoint import Trained, load_trained
from facegauge_training.fitting.fit import predict
from facegauge_training.fitting.loader import split_crops
from facegauge_training.self_training.leakage import Unseen
from facegauge_training.self_training.pseudo_faces import ahead, degraded, unlabelled_faces
from facegauge_training.self_training.unlabelled import read_videos

__all__ = ["main"]

FITTED_ON = 100
"""Labelled crops that the curve is fitted on, at least; with fewer the scores stay as they are."""

Curve = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@click.command()
@click.option("--faces", type=click.Path(path_type=Path), default=Path("../shared/faces"), show_default=True)
@click.option("--videos", type=click.Path(path_type=Path), help="Folder of videos with an index.csv.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--round", "round_", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--teacher", required=True, help="Run of the teacher that labels.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many photos.")
@click.option("--moments", type=click.IntRange(min=1), default=8, show_default=True, help="Of a video.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    faces: Path,
    videos: Path | None,
    cache: Path,
    round_: int,
    teacher: str,
    limit: int | None,
    moments: int,
    threads: int,
) -> None:
    """Let a teacher label faces that have no labels."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cache = cache.expanduser()

    # --- the teacher, and the curve from its scores to labels
    trained = load_trained(cache / "runs" / teacher / "teacher.pt")
    folder = pseudo_store(cache, round_)
    folder.mkdir(parents=True, exist_ok=True)
    _check_owner(folder, trained.name)
    trained.network.to(device).to(memory_format=torch.channels_last)
    labelled = CropSet(train_stores(cache), trained.width)
    curve = _curve(trained, labelled, device)

    # --- faces
    photos = read_sources(faces, "natural", limit, pristine=False)
    films = read_videos(videos) if videos else []
    unseen = Unseen(faces)
    coming = unlabelled_faces(folder, photos, films, moments, round_)
    total = len(photos) + moments * len(films)

    # --- crops, made in a thread ahead, and their scores
    made = {"natural": 0, "video": 0, "refused": 0, "no face": 0}
    faces_and_crops = ahead(degraded(coming, unseen, round_))
    for key, source, kind, crops, rows in track(faces_and_crops, f"{trained.name} labels", total=total):
        if crops:
            scores = curve(_score(trained, crops, device))
            for row, score in zip(rows, scores, strict=True):
                row |= {"labelled_by": trained.name, "score": round(float(np.clip(score, 0, 1)), 5)}
        write_source(folder, key, source, crops, rows)
        made[kind] += 1
    told = ", ".join(f"{count} {kind}" for kind, count in made.items())
    click.echo(f"{folder}: now {told} (refused: for the val split's sake)")


def _check_owner(folder: Path, name: str) -> None:
    """Let one teacher alone label a round."""
    for path in folder.glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["crops"][:1]:
            if row["labelled_by"] != name:
                raise RecipeError(
                    f"{row['labelled_by']} has begun to label {folder}, not {name}: delete the folder, or "
                    "give another --round."
                )


def _curve(trained: Trained, crops: CropSet, device: torch.device) -> Curve:
    """Return the map from the teacher's scores to labels."""
    _, watch = split_crops(crops)
    valued = watch[~crops.far[watch]]
    if len(valued) < FITTED_ON:
        return lambda scores: scores
    said = predict(trained.network, crops, valued, device).astype(np.float64)
    return logistic_fit(said, crops.labels[valued].astype(np.float64))


@torch.no_grad()
def _score(trained: Trained, crops: list[Pixels], device: torch.device) -> npt.NDArray[np.float64]:
    """Return the teacher's scores (n,) of crops (384, 288, 3)."""
    scores = trained.network(torch.from_numpy(np.stack(crops)).to(device))
    return scores.cpu().numpy().astype(np.float64)


if __name__ == "__main__":
    main()
