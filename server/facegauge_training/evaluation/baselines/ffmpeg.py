"""Run a filter of ffmpeg that measures pictures, and read what it measured."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from itertools import groupby, islice

import cv2
import imageio_ffmpeg
import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError
from facegauge_training.evaluation.baselines.kinds import Floats

__all__ = ["filtered"]

AT_ONCE = 512
"""Pictures a process; 56 MB of luma at 288x384."""


def filtered(pictures: Iterable[Pixels], filter_name: str, key: str) -> Floats:
    """Return the number (n,) that a filter notes for the luma of each picture; NaN where it notes none.

    Args:
        pictures: RGB, uint8, (height, width, 3), of any sizes.
        filter_name: a video filter, with its options.
        key: of the frame's metadata, such as "lavfi.blur".

    Raises:
        RecipeError: ffmpeg failed or lacks the filter.
    """
    lumas = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False) for picture in pictures)
    numbers: list[float] = []
    for (height, width), same in groupby(lumas, key=lambda luma: luma.shape):
        while some := list(islice(same, AT_ONCE)):
            found = _run(b"".join(luma.tobytes() for luma in some), width, height, filter_name, key)
            # Of a flat picture ffmpeg notes NaN, or what it noted of the one before.
            numbers += [n if np.ptp(luma) else np.nan for n, luma in zip(found, some, strict=True)]
    return np.array(numbers, np.float64)


def _run(raw: bytes, width: int, height: int, filter_name: str, key: str) -> list[float]:
    frames = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "25", "-i", "pipe:0"]
    graph = f"{filter_name},metadata=mode=print:key={key}:file=-"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-threads", "1"]
    command += [*frames, "-vf", graph, "-f", "null", "-"]
    done = subprocess.run(command, input=raw, capture_output=True, check=False)  # noqa: S603 - ours
    lines = done.stdout.decode().splitlines()
    numbers = [float(line.split("=", 1)[1]) for line in lines if line.startswith(f"{key}=")]
    if done.returncode != 0 or len(numbers) != len(raw) // (width * height):
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise RecipeError(f"ffmpeg's {filter_name} failed ({why[0]}): install imageio-ffmpeg 0.6 or later.")
    return numbers
