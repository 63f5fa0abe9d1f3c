from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.data.clips import Clip
from facegauge_training.data.distortions import add_noise, defocus, expose, move_blur, resize_lines


def test_stops_darken_and_brighten(clip: Clip) -> None:
    """A stop down is darker, a stop up brighter, none changes nothing."""
    frame = clip.frames[:1]
    assert expose(frame, -1)[0].mean() < frame[0].mean() < expose(frame, 1)[0].mean()
    assert np.array_equal(expose(frame, 0)[0], frame[0])


@pytest.mark.parametrize("grain", [0.0, 0.8])
def test_noise_has_the_strength_asked_for_and_moves(grain: float) -> None:
    """Noise on a grey clip measures its sigma and is another in each frame."""
    grey = [np.full((240, 320, 3), 128, np.uint8)] * 2
    first, second = add_noise(grey, 12.0, np.random.default_rng(0), grain)
    assert first.std() == pytest.approx(12.0, rel=0.05)
    assert not np.array_equal(first, second)


def test_blur_takes_detail_and_keeps_brightness(clip: Clip) -> None:
    """Defocus and motion blur lower contrast between neighbours, not the mean."""
    frame = clip.frames[:1]
    detail = np.abs(np.diff(frame[0].astype(float), axis=1)).mean()
    for blurred in (defocus(frame, 3.0), move_blur(frame, 9.0, 0.2)):
        assert np.abs(np.diff(blurred[0].astype(float), axis=1)).mean() < detail
        assert blurred[0].mean() == pytest.approx(frame[0].mean(), abs=1.0)


def test_resizing_keeps_the_aspect_to_an_even_width(clip: Clip) -> None:
    """Received frames have the lines asked for and a width that codecs take."""
    for lines in (540, 360, 270, 180):
        height, width = resize_lines(clip.frames[:1], lines)[0].shape[:2]
        assert height == lines
        assert width % 2 == 0
        assert width / height == pytest.approx(clip.frames[0].shape[1] / 720, rel=0.01)
