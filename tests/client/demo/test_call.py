"""The demo's call: really encoded, at the bitrates that it tells."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_client.demo.call import ACTS, FPS, Act, duration_s, play_call


@pytest.mark.parametrize("act", [Act(3, 2000, 720), Act(3, 60, 180)])
def test_an_act_is_encoded_at_its_bitrate_and_size(act: Act) -> None:
    """Every frame comes out, 16:9 at the act's height, within a third of the bitrate."""
    frames = list(play_call((act,)))
    assert len(frames) == act.seconds * FPS
    assert {(frame.frame.width, frame.frame.height) for frame in frames} == {
        (act.height * 16 // 9, act.height)
    }
    bits = sum(frame.encoded_bits for frame in frames)
    assert bits / 1000 / act.seconds == pytest.approx(act.kbit_per_s, rel=1 / 3)


def test_the_call_moves_and_loses_detail_as_the_bitrate_falls() -> None:
    """Two frames of a second differ, and a starved one has less detail than a fed one."""
    fed = [frame.frame.to_ndarray(format="rgb24") for frame in play_call((Act(1, 2000, 720),))]
    starved = [
        frame.frame.reformat(1280, 720).to_ndarray(format="rgb24") for frame in play_call((Act(1, 60, 180),))
    ]
    assert np.abs(fed[0].astype(int) - fed[-1].astype(int)).mean() > 1

    def detail(picture: object) -> float:
        return float(np.abs(np.diff(np.asarray(picture, dtype=int), axis=1)).mean())

    assert detail(starved[-1]) < 0.8 * detail(fed[-1])


def test_the_demo_takes_about_half_a_minute() -> None:
    """It falls once, to a tenth or less, and ends as it began."""
    assert 25 <= duration_s() <= 40
    assert min(act.kbit_per_s for act in ACTS) * 10 <= ACTS[0].kbit_per_s == ACTS[-1].kbit_per_s
