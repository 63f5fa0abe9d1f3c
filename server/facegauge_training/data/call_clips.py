"""Measure talking faces in calls that get worse: VMAF of the face region by second, for evaluation.

    facegauge-train call-clips --videos ../shared/videos

Every video is sent through a real-time encoder (x264, VP8) whose rate and lines fall from second to second
(`FALL`). The store `clips-1` holds `CROPS_A_SECOND` crops of every second, and a pristine one; rows besides
have

- `video`, `second`, `at_s` (since the call began);
- `second_vmaf`, the mean VMAF/100 of the face region over that second: what a score should follow;
- `own_face_height`, px in the video itself.

These clips are for evaluation: a student that trained on them has seen the answers.

A portrait video is cut to a square around the face, so that its lines mean what a call's do; all are brought
to 720 lines, and one that is too short goes to and fro. The server's detector finds boxes in the source, a
few a second; those between are interpolated. Every second is coded by itself, after a lead in which the rate
control settles: the moment at which a call's encoder changes its rate is left out, as are lost packets, other
codecs, the tracker, whose boxes may be a little off, and what each cause costs.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
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
from facegauge_training.data.clips import LINES, Clip, at_display_lines
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.data.degradation_chain import Chain, cut
from facegauge_training.data.label_clip import measure
from facegauge_training.data.store import write_source

__all__ = [
    "FALL",
    "Footage",
    "boxes_between",
    "call_clip_store",
    "fall_of",
    "label_video",
    "label_videos",
    "read_call",
    "read_video_index",
    "seconds_of",
    "to_and_fro",
]

FALL = ((720, 1500), (720, 600), (540, 600), (360, 900), (360, 400), (270, 400), (180, 600), (180, 250))
"""(lines, kbit/s at 720 lines: see `Chain.kbps`) by second, from the best to the worst."""
FPS = 25
DETECT_EVERY = 5
"""Frames."""
CROPS_A_SECOND = 5
"""As many as the gateway has scored at most by default."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A video, ready to be sent through calls."""

    clip: Clip
    enlargement: float
    """Pixels of the clip for one of the video."""


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


def read_call(path: Path, detector: FaceDetector) -> Footage:
    """Return the beginning of a video as a pristine clip of 720 lines with the largest face's boxes.

    It is as long as `FALL`, in seconds.

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
    clip = at_display_lines(frames, boxes_between(found, len(frames)))
    return Footage(to_and_fro(clip, len(FALL) * FPS), LINES / min(frames[0].shape[:2]))


def to_and_fro(clip: Clip, count: int) -> Clip:
    """Return so many frames of a clip: back from the last one to the first and on again, if need be."""
    there_and_back = [*range(len(clip.frames)), *range(len(clip.frames) - 2, 0, -1)]
    order = [there_and_back[n % len(there_and_back)] for n in range(count)]
    return Clip([clip.frames[t] for t in order], [clip.faces[t] for t in order])


def boxes_between(found: dict[int, Box], count: int) -> list[Box]:
    """Return a box for each of `count` frames: linear between those found, the nearest one beyond."""
    at = sorted(found)
    sides = np.array([[found[t].x, found[t].y, found[t].width, found[t].height] for t in at])
    columns = [np.interp(np.arange(count), at, side) for side in sides.T]
    return [Box(*(float(value) for value in row)) for row in zip(*columns, strict=True)]


def label_video(folder: Path, path: Path, repo: str, codec: str, footage: Footage) -> int:
    """Send a video through a call that gets worse, and store its crops; returns their number.

    Args:
        folder: the store.
        path: of the video.
        repo: where it is from.
        codec: one of `RATED`.
        footage: what `read_call` made of it.
    """
    parts = seconds_of(footage.clip)
    crops: list[npt.NDArray[np.uint8]] = []
    rows: list[dict[str, Any]] = []
    for second, (part, (lines, kbps)) in enumerate(zip(parts, fall_of(len(parts)), strict=True)):
        call = Chain(codec=codec, kbps=kbps, lines=lines)
        frames = range(1, len(part.frames) - 1)
        chains = [call] if second else [Chain(), call]
        versions, _ = measure(part, chains, frames, lambda: np.random.default_rng(0))
        truth = float(np.mean([vmaf for vmaf, _ in versions[call].scores.values()]))
        for chain, version in versions.items():
            for t in frames[:: FPS // CROPS_A_SECOND] if chain == call else frames[:1]:
                face, (vmaf, gmsd) = part.faces[t], version.scores[t]
                crops.append(cut(version.received[t], face, CROP_WIDTH, CROP_HEIGHT))
                rows.append(
                    {
                        **chain.describe(),
                        "frame": t,
                        "face_height": round(face.height, 1),
                        "vmaf": round(vmaf, 5),
                        "gmsd": round(gmsd, 5),
                        "video": path.name,
                        "second": second,
                        "at_s": round((second * len(part.frames) + t) / FPS, 3),
                        "second_vmaf": round(truth, 5),
                        "own_face_height": round(face.height / footage.enlargement, 1),
                    }
                )
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
                footage = read_call(path, detector)
                made += sum(label_video(folder, path, repo, codec, footage) for codec in missing)
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
