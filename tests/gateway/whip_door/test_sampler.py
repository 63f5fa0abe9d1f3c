"""As many pictures a second as are scored, evenly spaced."""

from __future__ import annotations

import pytest

from facegauge_gateway.whip_door.sampler import Sampler


@pytest.mark.parametrize(
    ("camera_fps", "max_fps", "expected"), [(30, 2, 20), (30, 7, 70), (15, 30, 150), (25, 10, 100)]
)
def test_the_rate_is_kept(camera_fps: int, max_fps: int, expected: int) -> None:
    """Whatever the camera's rate, and also where one does not divide the other."""
    sampler = Sampler(max_fps)
    taken = sum(sampler.wants(n / camera_fps) for n in range(10 * camera_fps))
    assert taken == pytest.approx(expected, rel=0.03)


def test_a_gap_is_not_made_up_for() -> None:
    """After silence, pictures come at the same rate as before."""
    sampler = Sampler(2)
    assert sampler.wants(0.0)
    assert [sampler.wants(100 + n / 30) for n in range(16)].count(True) <= 2
