"""What a round of self-training labels: faces that the store lacks, as they are and degraded anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Pixels
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.data.degradation_chain import Chain, cut, receive
from facegauge_training.data.label_crops import draw_chain
from facegauge_training.data.sources import Source
from facegauge_training.data.store import jitter_box
from facegauge_training.self_training.leakage import Unseen
from facegauge_training.self_training.unlabelled import Unlabelled, Video, film_photo, film_video, moment_key

__all__ = ["ahead", "degraded", "unlabelled_faces"]

CHAINS = 7
"""Degradations of a face in a round."""

T = TypeVar("T")


def unlabelled_faces(
    folder: Path, photos: list[Source], films: list[Video], moments: int, round_: int
) -> Iterator[tuple[str, Unlabelled | None]]:
    """Yield key and face of all that the store does not have yet; None where there is no face."""
    for photo in photos:
        if not (folder / f"{photo.key}.json").is_file():
            yield photo.key, film_photo(photo, np.random.default_rng([3000 + round_, int(photo.key, 16)]))
    if not films:
        return
    with FaceDetector() as detector:
        for film in films:
            keys = [moment_key(film, n) for n in range(moments)]
            wanted = {n for n, key in enumerate(keys) if not (folder / f"{key}.json").is_file()}
            if wanted:
                for n, face in film_video(film, moments, wanted, detector):
                    yield keys[n], face


def degraded(
    coming: Iterable[tuple[str, Unlabelled | None]], unseen: Unseen, round_: int
) -> Iterator[tuple[str, str, str, list[Pixels], list[dict[str, Any]]]]:
    """Yield key, source, kind, crops and their rows: the face as it is, then through drawn chains."""
    for key, face in coming:
        if face is None:
            yield key, "", "no face", [], []
            continue
        if unseen.refuses(face):
            yield key, face.source, "refused", [], []
            continue
        rng = np.random.default_rng([4000 + round_, int(key, 16)])
        crops, rows = [face.crop], [{**Chain().describe(), "frame": -1, "origin": face.origin}]
        for chain in [draw_chain(rng) for _ in range(CHAINS)]:
            t = int(rng.integers(1, len(face.clip.frames) - 1))
            frames = receive(face.clip, chain, rng).frames
            crops.append(cut(frames[t], jitter_box(face.clip, t, rng), CROP_WIDTH, CROP_HEIGHT))
            height = round(face.clip.faces[t].height, 1)
            rows.append({**chain.describe(), "frame": t, "face_height": height, "origin": face.origin})
        yield key, face.source, face.origin, crops, rows


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items; each is made in a thread while the one before it is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
