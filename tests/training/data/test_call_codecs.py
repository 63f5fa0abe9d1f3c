from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from facegauge_server.types import Pixels
from facegauge_training.data.call_codecs import (
    RATED,
    TRANSPARENT,
    transcode_at_rate,
    transcode_with_loss,
)
from facegauge_training.data.clips import make_clip
from facegauge_training.data.distortions import resize_lines
from tests.training.data.astronaut import FACE, read_astronaut


@pytest.fixture(scope="module")
def frames() -> list[Pixels]:
    """A face that moves fast, 360 lines."""
    clip = make_clip(read_astronaut(), FACE, np.random.default_rng(2), pace=3.0)
    return resize_lines(clip.frames, 360)


def psnr(a: list[Pixels], b: list[Pixels]) -> list[float]:
    return [cv2.PSNR(x, y) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("codec", RATED)
def test_a_lower_rate_looks_worse_from_the_first_frame_on(codec: str, frames: list[Pixels]) -> None:
    """The rate is what a call in progress has: it counts in every frame, not after a second."""
    rich, poor = (psnr(transcode_at_rate(frames, codec, kbps), frames) for kbps in (1500, 60))
    assert all(high > low + 2 for high, low in zip(rich, poor, strict=True))


@pytest.mark.parametrize(("codec", "kind"), [("x264", "slices"), ("x264", "frames"), ("vp8", "frames")])
def test_nothing_lost_is_nothing_to_see(codec: str, kind: str, frames: list[Pixels]) -> None:
    """At the transparent quality and without loss, frames come back all but untouched."""
    assert min(psnr(transcode_with_loss(frames, codec, TRANSPARENT[codec], 0.0, kind, 1), frames)) > 36


def test_lost_slices_show_until_the_end(frames: list[Pixels]) -> None:
    """FFmpeg conceals lost slices; what moves is wrong there, and the error is carried on."""
    clean, lossy = (
        psnr(transcode_with_loss(frames, "x264", 10, loss, "slices", 4), frames) for loss in (0.0, 0.5)
    )
    assert lossy[0] == pytest.approx(clean[0], abs=0.5)
    assert lossy[-1] < clean[-1] - 5


def test_the_same_places_are_hit_at_any_quality(frames: list[Pixels]) -> None:
    """The draw alone decides which slices are lost, or removing compression would move the loss elsewhere."""

    def hit(quality: int) -> np.ndarray:
        whole, lossy = (
            transcode_with_loss(frames, "x264", quality, loss, "slices", 4)[1] for loss in (0, 0.4)
        )
        rows = np.abs(whole.astype(int) - lossy).mean(axis=(1, 2))
        return np.array([rows[i * 45 + 12 : i * 45 + 33].mean() > 0.05 for i in range(8)])

    fine, coarse = hit(12), hit(30)
    assert fine.any()
    assert not fine.all()
    assert (fine == coarse).all()


def test_a_freeze_holds_whole_pictures_and_a_keyframe_ends_it(frames: list[Pixels]) -> None:
    """Every shown frame is some clean frame; the last one is its own again, coded anew."""
    clean = transcode_with_loss(frames, "x264", 20, 0.0, "slices", 1)
    shown = transcode_with_loss(frames, "x264", 20, 0.6, "freeze", 2)
    assert all(max(cv2.PSNR(picture, frame) for frame in clean) > 35 for picture in shown)
    repeated = [np.array_equal(a, b) for a, b in pairwise(shown)]
    assert sum(repeated) == 3
    assert cv2.PSNR(shown[-1], frames[-1]) > 35


def test_unknown_losses_are_refused(frames: list[Pixels]) -> None:
    """VP8 frames have no slices, and there is no fourth kind."""
    with pytest.raises(ValueError, match="slices"):
        transcode_with_loss(frames, "vp8", 30, 0.1, "slices", 1)
    with pytest.raises(ValueError, match="kinds are"):
        transcode_with_loss(frames, "x264", 30, 0.1, "rain", 1)
