"""Faces without labels, for self-training: soft photos and moments of videos, as clips and crops.

Photos are those of the index's split `natural`, whose sources are no pristine references. Videos are a folder
with `index.csv` (columns file, repo, fps, duration_s); their faces are found by the server's own detector,
and a portrait video is cut to a square around the face, so that its lines mean what a call's do.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facegauge_server.face_limits import MIN_FACE_PX
from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.clips import FRAMES, LINES, Clip, at_display_lines, make_clip
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.data.sources import Source, read_picture

if TYPE_CHECKING:
    from facegauge_server.stages.locate import FaceDetector

__all__ = ["Unlabelled", "Video", "film_photo", "film_video", "moment_key", "read_videos", "serving_crop"]


@dataclass(frozen=True, slots=True)
class Video:
    """A video of the folder's index."""

    path: Path
    repo: str
    """Where it is from."""
    frames: int


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """One face, before anything is done to it."""

    key: str
    source: str
    origin: str
    """"natural" or "video"."""
    crop: Pixels
    """The face as serving cuts it out of the photo or frame: RGB uint8 (384, 288, 3)."""
    clip: Clip
    """What degradations are made of."""


def read_videos(folder: Path) -> list[Video]:
    """Return the videos of a folder.

    Raises:
        RecipeError: its index is missing or cannot be read.
    """
    index = folder / "index.csv"
    if not index.is_file():
        raise RecipeError(f"There is no {index}: point --videos at a folder of videos, or leave it out.")
    try:
        with index.open(newline="", encoding="utf-8") as lines:
            return [
                Video(folder / row["file"], row["repo"], int(float(row["fps"]) * float(row["duration_s"])))
                for row in csv.DictReader(lines)
            ]
    except (KeyError, ValueError, TypeError) as error:
        raise RecipeError(f"{index} is no index of videos (bad or missing column: {error}).") from error


def serving_crop(pixels: Pixels, face: Box) -> Pixels:
    """Cut a face out of a photo or frame at native resolution, as serving does: RGB uint8 (384, 288, 3)."""
    region = crop_box(face, pixels.shape[1], pixels.shape[0])
    return crop_region(pixels, region, CROP_WIDTH, CROP_HEIGHT, LINES)


def film_photo(source: Source, rng: np.random.Generator) -> Unlabelled:
    """Return a photo's face; `rng` decides how it moves in its clip."""
    picture = read_picture(source.path)
    clip = make_clip(picture, source.face, rng)
    return Unlabelled(source.key, source.name, "natural", serving_crop(picture, source.face), clip)


def moment_key(video: Video, moment: int) -> str:
    """Return ten hex digits that name the n-th moment of a video."""
    return hashlib.sha256(f"{video.repo}/{video.path.name}#{moment}".encode()).hexdigest()[:10]


def film_video(
    video: Video, moments: int, wanted: set[int], detector: FaceDetector
) -> Iterator[tuple[int, Unlabelled | None]]:
    """Yield the largest face at some evenly spaced moments of a video; None where no face is found.

    Args:
        video: of the index.
        moments: into how many parts the video is cut; each part's middle is a moment.
        wanted: which of them, from 0.
        detector: the server's.

    Raises:
        RecipeError: the video cannot be read.
    """
    import av  # here, since photos need none

    at = {round((n + 0.5) / moments * max(0, video.frames - FRAMES)): n for n in wanted}
    try:
        with av.open(str(video.path)) as container:
            running: list[Pixels] = []
            start = -1
            for index, frame in enumerate(container.decode(video=0)):
                if index in at and not running:
                    start = index
                if start < 0 or index >= start + FRAMES:
                    continue
                running.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                if len(running) == FRAMES:
                    moment = at.pop(start)
                    yield moment, _moment(video, running, moment_key(video, moment), detector)
                    running, start = [], -1
                    if not at:
                        return
    except (av.FFmpegError, OSError) as error:
        raise RecipeError(
            f"{video.path} is no readable video ({error}): restore it or take its row out of index.csv."
        ) from error
    for moment in at.values():
        yield moment, None  # the index promised more frames than there are


def _moment(video: Video, frames: list[Pixels], key: str, detector: FaceDetector) -> Unlabelled | None:
    middle = frames[FRAMES // 2]
    faces = [face for face in detector.detect(middle) if face.short_side >= MIN_FACE_PX]
    if not faces:
        return None
    face = max(faces, key=lambda box: box.area)
    clip = at_display_lines(frames, [face] * FRAMES)
    return Unlabelled(key, video.repo, "video", serving_crop(middle, face), clip)
