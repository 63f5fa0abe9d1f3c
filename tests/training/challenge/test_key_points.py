"""NJUPT's patches lie where the faces that a network is trained on have their eyes and their mouth."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from facegauge_models.sfiqa import HEIGHT, PATCHES, SIDE, WIDTH, landmark_patches
from facegauge_training.challenge import key_points
from facegauge_training.challenge.key_points import find_key_points, find_patches, shares_held
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.start import ChallengeOptions, run_training
from facegauge_training.challenge.weights import load_network

FACES = 25
LEAST_FACES = 20


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred faces would be looked at again and again at 800x600."""
    monkeypatch.setattr(key_points, "LEAST_FACES", LEAST_FACES)


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory, astronaut: npt.NDArray[np.uint8]) -> Pictures:
    """A real face in the lower left of every picture, a little elsewhere in each; the last shows none."""
    folder = tmp_path_factory.mktemp("portraits")
    rng = np.random.default_rng(0)
    lines = ["image,score,group"]
    for n in range(FACES):
        left, top = 150 + int(rng.integers(9)), int(rng.integers(9))
        crop = astronaut[top : top + 232, left : left + 174]
        if n == FACES - 1:
            crop = np.full_like(crop, 90)
        cv2.imwrite(str(folder / f"{n:03d}.png"), crop[:, :, ::-1])
        lines.append(f"{n:03d}.png,{rng.random():.3f},face {n % 8}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_pictures(folder, folder / "labels.csv")


def test_patches_hold_most_landmarks_together() -> None:
    """Two eyes and a mouth get a patch each, although a patch on the nose would hold a half of all."""
    eyes_and_mouth = [(200, 300), (400, 300), (300, 500)]
    faces = torch.tensor([[x + dx, y] for dx in (-20, 0, 20) for x, y in eyes_and_mouth], dtype=torch.float32)
    places = landmark_patches(torch.cat([faces, torch.tensor([[-5.0, 900.0]])]))  # outside: left out
    assert places == sorted(set(places))
    assert len(places) == 3
    for left, top in eyes_and_mouth:
        assert any(y <= top < y + SIDE and x <= left < x + SIDE for y, x in places)


def test_key_points_are_those_of_the_face(portraits: Pictures, tmp_path: Path) -> None:
    """MediaPipe's six, eyes above the mouth; a picture without a face adds none; they are looked for once."""
    points = find_key_points(portraits, tmp_path, seed=1)
    assert points.shape == (FACES - 1, 6, 2)
    right_eye, left_eye, nose, mouth = points.mean(axis=0)[:4]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
    gone = Pictures(tmp_path, tmp_path, portraits.names, portraits.scores, portraits.groups, portraits.lines)
    assert (find_key_points(gone, tmp_path, seed=1) == points).all()  # no picture of these can be read


def test_few_faces_are_no_prior(portraits: Pictures, tmp_path: Path) -> None:
    """Then patches lie where they lie in the server's crops."""
    assert find_patches(portraits.take(np.arange(LEAST_FACES - 1)), tmp_path, seed=1) == list(PATCHES)


@pytest.mark.timeout(300)
def test_a_training_puts_its_patches_where_its_faces_are(portraits: Pictures, tmp_path: Path) -> None:
    """They are kept with the weights, and the exported network cuts there too."""
    run = tmp_path / "run"
    asked = ChallengeOptions("njupt", portraits.folder, portraits.table, run, steps=2, batch=2)
    result = run_training(asked, lambda _: None)
    network = load_network(run / "model.pt")[1]
    places = [(top, left) for top, left in network.places.tolist()]
    points = find_key_points(portraits, run, seed=1)
    assert places == landmark_patches(torch.from_numpy(points.reshape(-1, 2) * (WIDTH, HEIGHT)))
    assert places != list(PATCHES)
    assert (shares_held(points, places) > 0.95).all()
    assert result["onnx_torch_difference"] <= 1e-4

    pictures = torch.randn(1, 3, HEIGHT, WIDTH)
    before = network(pictures)
    network.places -= 40
    assert not torch.equal(network(pictures), before)
