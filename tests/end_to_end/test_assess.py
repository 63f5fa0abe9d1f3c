"""`facegauge assess` says of each ruined version of one portrait what ruined it."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from .conftest import StartServerProcess

Picture = npt.NDArray[np.uint8]


def blurred(picture: Picture) -> Picture:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.0), np.uint8)


def blocky(picture: Picture) -> Picture:
    """Through x264 at a rate far too low."""
    coded = io.BytesIO()
    with av.open(coded, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "44", "preset": "veryfast"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    with av.open(io.BytesIO(coded.getvalue()), "r") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def noisy(picture: Picture) -> Picture:
    """As a small sensor sees it in a dim room."""
    noise = np.random.default_rng(1).normal(0, 22, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def dark(picture: Picture) -> Picture:
    """Three stops less light, in linear light."""
    linear = (picture / 255) ** 2.2 / 8
    return np.round(255 * linear ** (1 / 2.2)).astype(np.uint8)


def tiny(picture: Picture) -> Picture:
    """Two fifths of the lines, as a call sends when bandwidth is short."""
    return np.asarray(cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize(
    ("ruin", "cause"),
    [
        (blurred, "blur"),
        (blocky, "compression"),
        (noisy, "noise"),
        (dark, "exposure"),
        (tiny, "resolution"),
    ],
)
def test_each_ruined_version_is_told_by_its_cause(
    start_server_process: StartServerProcess,
    facegauge: str,
    astronaut: Picture,
    tmp_path: Path,
    ruin: Callable[[Picture], Picture],
    cause: str,
) -> None:
    """The line of the face names first what was done to the picture, and what its absence would bring."""
    server = start_server_process("--model", "facegauge-accurate")
    path, lines = tmp_path / "portrait.png", tmp_path / "out.jsonl"
    cv2.imwrite(str(path), cv2.cvtColor(ruin(astronaut), cv2.COLOR_RGB2BGR))
    command = (facegauge, "assess", str(path), "--server", server.listen, "--display-lines", "512")
    shown = subprocess.run((*command, "--json", str(lines)), capture_output=True, text=True, check=True)
    (face,) = json.loads(lines.read_text())["faces"]
    dearest = face["causes"][0]
    assert dearest["kind"] == cause
    assert dearest["cost"] >= dearest["threshold"] == 0.1
    assert f"{cause}: +{dearest['cost']:.2f} without it" in shown.stdout
