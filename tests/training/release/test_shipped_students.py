"""What every student in the server's assets must keep, whoever trained it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest

from facegauge_server import crop_spec
from facegauge_server.stages import crop
from facegauge_server.types import Box
from facegauge_training.data.clips import make_clip
from facegauge_training.data.degradation_chain import Chain, cut, receive
from facegauge_training.data.sources import read_picture, read_sources
from facegauge_training.release.export import ASSETS

STUDENTS = sorted(path.parent for path in ASSETS.glob("*/manifest.json"))


@pytest.fixture(params=STUDENTS, ids=lambda folder: folder.name)
def student(request: pytest.FixtureRequest) -> tuple[dict[str, Any], onnxruntime.InferenceSession]:
    folder: Path = request.param
    manifest = json.loads((folder / "manifest.json").read_text())
    session = onnxruntime.InferenceSession(folder / manifest["file"], providers=["CPUExecutionProvider"])
    return manifest, session


def test_the_file_is_the_one_that_was_measured(student: tuple[dict[str, Any], Any]) -> None:
    """Hash, size and limits of the manifest hold, and the crop is serving's."""
    manifest, _ = student
    data = (ASSETS / manifest["name"] / manifest["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == manifest["sha256"]
    assert len(data) == manifest["bytes"] < 16_000_000
    assert manifest["gflops"] <= 0.5
    assert manifest["parameters"] < 5_000_000
    used = {
        "aspect_ratio": crop_spec.ASPECT_RATIO,
        "widen": crop_spec.WIDEN,
        "heighten": crop_spec.HEIGHTEN,
        "raise": crop_spec.RAISE,
    }
    assert manifest["crop"] == used


def test_scores_stay_within_bounds_and_do_not_depend_on_the_batch(
    student: tuple[dict[str, Any], Any],
) -> None:
    """Any pixels give 0-1, and the same crop the same score alone and in company."""
    manifest, session = student
    height, width = manifest["input"]["height"], manifest["input"]["width"]
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (3, height, width, 3)).astype(np.uint8)
    crops[1] = 0
    together = session.run(["quality"], {"pixels": crops})[0]
    assert together.shape == (3,)
    assert ((together >= 0) & (together <= 1)).all()
    alone = session.run(["quality"], {"pixels": crops[:1]})[0]
    assert alone[0] == pytest.approx(together[0], abs=1e-4)


@pytest.mark.shared
def test_worse_coding_scores_lower(student: tuple[dict[str, Any], Any], shared_faces: Path) -> None:
    """On moving clips of unseen faces the mean score falls from x264 CRF 23 to 33, 43 and 51."""
    manifest, session = student
    size = (manifest["input"]["width"], manifest["input"]["height"])
    means = []
    clips = [
        make_clip(read_picture(source.path), source.face, np.random.default_rng(n))
        for n, source in enumerate(read_sources(shared_faces, "val", limit=6))
    ]
    for crf in (23, 33, 43, 51):
        crops = []
        for clip in clips:
            frames = receive(clip, Chain(codec="x264", quality=crf), np.random.default_rng(0)).frames
            crops += [
                cut(frame, face, *size) for frame, face in zip(frames[2:5], clip.faces[2:5], strict=True)
            ]
        means.append(float(session.run(["quality"], {"pixels": np.stack(crops)})[0].mean()))
    assert means == sorted(means, reverse=True), means
    assert means[0] - means[-1] > 0.3


@pytest.mark.shared
def test_a_face_that_lost_its_pixels_scores_lower(
    student: tuple[dict[str, Any], Any], shared_faces: Path
) -> None:
    """The same face at 60 px scores plainly below itself at its full size."""
    manifest, session = student
    size = (manifest["input"]["width"], manifest["input"]["height"])
    large = [s for s in read_sources(shared_faces, "val") if s.face.height >= 300][:6]
    scores = []
    for source in large:
        picture = read_picture(source.path)
        for pixels in (min(400.0, source.face.height), 60.0):
            share = pixels / source.face.height
            small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA).astype(
                np.uint8
            )
            face = Box(
                *(v * share for v in (source.face.x, source.face.y, source.face.width, source.face.height))
            )
            region = crop.crop_box(face, small.shape[1], small.shape[0])
            scores.append(
                session.run(["quality"], {"pixels": crop.crop_region(small, region, *size)[None]})[0][0]
            )
    assert large
    assert all(full - lost > 0.1 for full, lost in zip(scores[::2], scores[1::2], strict=True)), scores
