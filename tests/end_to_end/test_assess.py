"""`facegauge assess` says of each ruined version of one portrait what ruined it."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

import facegauge_server

from .conftest import run_server

Picture = npt.NDArray[np.uint8]
ASSETS = Path(facegauge_server.__file__).parent / "assets" / "models"


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


CAUSES_BY_RUIN: dict[Callable[[Picture], Picture], str] = {
    blurred: "blur",
    blocky: "compression",
    noisy: "noise",
    dark: "exposure",
    tiny: "resolution",
}


def models_with_causes() -> list[str]:
    """Return the names of the models in the package that say why a face looks bad."""
    manifests = (
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(ASSETS.glob("*/manifest.json"))
    )
    return [manifest["name"] for manifest in manifests if manifest.get("outputs", {}).get("causes")]


@dataclass(frozen=True, slots=True)
class Assessed:
    """What `facegauge assess` wrote about the ruined portraits."""

    faces: dict[str, dict[str, Any]]
    """By the picture's name."""
    shown: str
    """On the terminal."""


@pytest.fixture(scope="module", params=models_with_causes())
def assessed(
    request: pytest.FixtureRequest,
    facegauge: str,
    astronaut: Picture,
    tmp_path_factory: pytest.TempPathFactory,
) -> Assessed:
    """All five ruined portraits, in one call to a server with the model."""
    folder = tmp_path_factory.mktemp(request.param)
    paths = [folder / f"{ruin.__name__}.png" for ruin in CAUSES_BY_RUIN]
    for path, ruin in zip(paths, CAUSES_BY_RUIN, strict=True):
        cv2.imwrite(str(path), cv2.cvtColor(ruin(astronaut), cv2.COLOR_RGB2BGR))
    lines = folder / "out.jsonl"
    with run_server("--model", request.param) as server:
        options = ("--server", server.listen, "--display-lines", "512", "--json", str(lines))
        command = (facegauge, "assess", *map(str, paths), *options)
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = {entry["stream_id"]: entry["faces"] for entry in map(json.loads, lines.read_text().splitlines())}
    assert all(len(told[str(path)]) == 1 for path in paths)
    return Assessed({path.stem: told[str(path)][0] for path in paths}, shown)


@pytest.mark.parametrize("ruin", CAUSES_BY_RUIN, ids=lambda ruin: ruin.__name__)
def test_each_ruined_version_is_told_by_its_cause(
    assessed: Assessed, ruin: Callable[[Picture], Picture]
) -> None:
    """Every shipped model that names causes names first what was done, and what it costs."""
    cause, face = CAUSES_BY_RUIN[ruin], assessed.faces[ruin.__name__]
    dearest = face["causes"][0]
    assert dearest["kind"] == cause
    assert dearest["cost"] >= dearest["threshold"] == 0.1
    assert f"{cause} -{dearest['cost']:.2f}" in assessed.shown
