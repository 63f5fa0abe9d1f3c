"""Measure talking faces in calls that get worse: VMAF of the face region by second, for evaluation.

    facegauge-train call-clips --videos ../shared/videos

Every video is sent through a real-time encoder (x264, VP8) whose rate and lines fall from second to second
(`FALL`). The store `clips-1` holds some crops of every second with their gains; rows besides have `video`,
`second`, and `second_vmaf`, the mean VMAF/100 of the face region over that second: what a smoothed score
should follow. These clips are for evaluation: a student that trained on them has seen the answers.

A portrait video is cut to a square around the face, so that its lines mean what a call's do; all are brought
to 720 lines. The server's detector finds boxes in the source, a few a second; those between are interpolated.
"""

from __future__ import annotations

import csv
import hashlib
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from facegauge_server.face_limits import MIN_FACE_PX
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Box
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.call_codecs import RATED
from facegauge_training.data.cause_plan import with_counterfactuals
from facegauge_training.data.clips import Clip, at_display_lines
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.label_clip import cut_versions, measure
from facegauge_training.data.store import write_source

__all__ = [
    "FALL",
    "boxes_between",
    "call_clip_store",
    "fall_of",
    "label_video",
    "label_videos",
    "read_call",
    "read_video_index",
    "seconds_of",
]

FALL = ((720, 1500), (720, 600), (540, 600), (360, 900), (360, 400), (270, 400), (180, 600), (180, 250))
"""(lines, kbit/s at 720 lines: see `Chain.kbps`) by second, from the best to the worst."""
FPS = 25
DETECT_EVERY = 5
"""Frames."""
CROPS_EVERY = 6
"""Frames."""


def call_clip_store(cache: Path) -> Path:
    """Return the folder of the clips' crops below the cache."""
    return cache / "clips-1"


def fall_of(seconds: int) -> list[tuple[int, int]]:
    """Return the steps of `FALL` that a clip of so many seconds goes through, from the first to the last."""
    picked = np.linspace(0, len(FALL) - 1, min(seconds, len(FALL))).round().astype(int)
    return [FALL[int(i)] for i in picked]


def seconds_of(clip: Clip) -> list[Clip]:
    """Cut a clip into seconds, as many as `FALL` has steps at most; one too short for two into halves."""
    length = min(FPS, len(clip.frames) // 2)
    count = min(len(FALL), len(clip.frames) // length)
    parts = [slice(n * length, (n + 1) * length) for n in range(count)]
    return [Clip(clip.frames[part], clip.faces[part]) for part in parts]


def read_call(path: Path, detector: FaceDetector) -> Clip:
    """Return the beginning of a video as a pristine clip of 720 lines with the largest face's boxes.

    Raises:
        RecipeError: the video cannot be read, or has no face.
    """
    try:
        with av.open(str(path)) as container:
            decoded = islice(container.decode(video=0), len(FALL) * FPS)
            frames = [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in decoded]
    except (av.FFmpegError, OSError) as error:
        raise RecipeError(f"{path} is no readable video ({error}): restore it or leave it out.") from error
    if len(frames) < 2 * DETECT_EVERY:
        raise RecipeError(f"{path} has {len(frames)} frames: a clip needs {2 * DETECT_EVERY} at least.")
    found: dict[int, Box] = {}
    for t in range(0, len(frames), DETECT_EVERY):
        last = tuple(found.values())[-1:]
        faces = [face for face in detector.detect(frames[t], last) if face.short_side >= MIN_FACE_PX]
        if faces:
            found[t] = max(faces, key=lambda box: box.iou(last[0]) if last else box.area)
    if not found:
        raise RecipeError(f"no face is found in {path}: leave it out of index.csv.")
    return at_display_lines(frames, boxes_between(found, len(frames)))


def boxes_between(found: dict[int, Box], count: int) -> list[Box]:
    """Return a box for each of `count` frames: linear between those found, the nearest one beyond."""
    at = sorted(found)
    sides = np.array([[found[t].x, found[t].y, found[t].width, found[t].height] for t in at])
    columns = [np.interp(np.arange(count), at, side) for side in sides.T]
    return [Box(*(float(value) for value in row)) for row in zip(*columns, strict=True)]


def label_video(folder: Path, path: Path, repo: str, codec: str, clip: Clip) -> int:
    """Send a clip through a call that gets worse, and store its crops; returns their number.

    Args:
        folder: the store.
        path: of the video.
        repo: where it is from.
        codec: one of `RATED`.
        clip: what `read_call` made of it.
    """
    parts = seconds_of(clip)
    crops: list[npt.NDArray[np.uint8]] = []
    rows: list[dict[str, Any]] = []
    for second, (part, (lines, kbps)) in enumerate(zip(parts, fall_of(len(parts)), strict=True)):
        call = Chain(codec=codec, kbps=kbps, lines=lines)
        frames = range(1, len(part.frames) - 1)
        versions, _ = measure(part, with_counterfactuals([call]), frames, lambda: np.random.default_rng(0))
        truth = float(np.mean([vmaf for vmaf, _ in versions[call].scores.values()]))
        extra = {"video": path.name, "second": second, "second_vmaf": round(truth, 5)}
        new_crops, new_rows = cut_versions(part, versions, {}, extra, None)
        chosen = [
            n for n, row in enumerate(new_rows)
            if row["frame"] % CROPS_EVERY == 1 and (row["codec"], row["lines"]) == (codec, lines)
        ]  # fmt: skip
        crops += [new_crops[n] for n in chosen]
        rows += [new_rows[n] for n in chosen]
    write_source(folder, _stem(path, repo, codec), repo, crops, rows)
    return len(crops)


def _stem(path: Path, repo: str, codec: str) -> str:
    return f"{hashlib.sha256(f'{repo}/{path.name}'.encode()).hexdigest()[:10]}-{codec}"


def label_videos(cache: Path, videos: list[tuple[Path, str]]) -> int:
    """Send every video through every codec's call where that is missing; returns the crops made now.

    Args:
        cache: gets the store.
        videos: (file, where it is from), as `read_video_index` returns them.
    """
    folder = call_clip_store(cache)
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    made = 0
    detector = FaceDetector()
    try:
        for path, repo in track(videos, f"measuring into {folder.name}"):
            missing = [c for c in RATED if not (folder / f"{_stem(path, repo, c)}.json").is_file()]
            if missing:
                clip = read_call(path, detector)
                made += sum(label_video(folder, path, repo, codec, clip) for codec in missing)
    finally:
        detector.close()
    return made


def read_video_index(videos: Path) -> list[tuple[Path, str]]:
    """Return (file, where it is from) of the videos of a folder.

    Raises:
        RecipeError: there is no index, it lacks a column, or it lists nothing.
    """
    index = videos / "index.csv"
    if not index.is_file():
        raise RecipeError(f"There is no {index}: point --videos at a folder of videos with an index.csv.")
    with index.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"file", "repo"} <= set(rows[0]):
        raise RecipeError(f"{index} is no index of videos: it needs the columns file and repo, and a row.")
    return [(videos / row["file"], row["repo"]) for row in rows]
