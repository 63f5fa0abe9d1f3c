"""Compare received crops with their references: VMAF for what coding does, GMSD as the opinion on noise.

VMAF is libvmaf's default model (`vmaf_v0.6.1`), run by the ffmpeg inside imageio-ffmpeg on crops of 288x384.
GMSD is the gradient magnitude similarity deviation (Xue et al., IEEE Transactions on Image Processing 2014).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError

__all__ = ["VMAF_HEIGHT", "VMAF_WIDTH", "gmsd", "vmaf"]

VMAF_WIDTH, VMAF_HEIGHT = 288, 384
LOGGED = "log_fmt=json:log_path=scores.json"
MODEL = r"model='version=vmaf_v0.6.1\:disable_clip=true'"


def vmaf(received: list[Pixels], references: list[Pixels]) -> list[float]:
    """Return the VMAF of each frame, 100 at best, of two clips of crops (RGB, uint8, all of one size).

    It is not clipped at 0: a picture in ruins reaches -15, which still orders ruins.

    VMAF looks at three consecutive frames for motion: clips put one behind the other need a margin of a
    frame at each end.

    Raises:
        RecipeError: ffmpeg failed or lacks libvmaf.
        ValueError: the clips are not of one length.
    """
    import imageio_ffmpeg  # here, since who only reads stores of labelled crops does without

    if len(received) != len(references):
        raise ValueError(f"{len(received)} received frames against {len(references)} references")
    height, width = references[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25"]
    with tempfile.TemporaryDirectory(prefix="facegauge-vmaf-") as folder:
        paths = [Path(folder) / name for name in ("received.rgb", "reference.rgb")]
        for path, clip in zip(paths, (received, references), strict=True):
            path.write_bytes(b"".join(frame.tobytes() for frame in clip))
        graph = f"[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]libvmaf={LOGGED}:{MODEL}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin"]
        command += [*raw, "-i", paths[0].name, *raw, "-i", paths[1].name, "-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        report = Path(folder) / "scores.json"
        if done.returncode != 0 or not report.is_file():
            why = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise RecipeError(
                f"ffmpeg could not compute VMAF ({why[0]}): install imageio-ffmpeg 0.6 or later."
            )
        frames = json.loads(report.read_text())["frames"]
    return [float(frame["metrics"]["vmaf"]) for frame in frames]


def gmsd(received: Pixels, reference: Pixels) -> float:
    """Return the gradient magnitude similarity deviation of two RGB crops: 0 if equal, up to about 0.35."""
    a, b = (_gradient(picture) for picture in (received, reference))
    similarity = (2 * a * b + 170.0) / (a * a + b * b + 170.0)
    return float(similarity.std())


def _gradient(picture: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    halved = cv2.blur(luma, (2, 2))[::2, ::2]
    kernel = np.array([[1, 0, -1]] * 3, np.float32) / 3
    across, down = cv2.filter2D(halved, -1, kernel), cv2.filter2D(halved, -1, kernel.T)
    return np.hypot(across, down).astype(np.float32)
