"""What a stream takes, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facegauge_plan.demand import BadWorkload, Workload, stream_demand

from .made import CONSTANTS

JPEG = Workload(streams=1, codec="jpeg", scored_fps=2, width=1000, height=1000, student="light")
VP8 = replace(JPEG, codec="vp8", unit_fps=30)


def test_a_stream_of_pictures_takes_its_frames() -> None:
    """Decoding, faces and student for each, and the server's own process."""
    found = stream_demand(JPEG, CONSTANTS)
    assert found.worker_ms == pytest.approx(2 * (4 + 3 + 5))
    assert found.main_ms == pytest.approx(2 * 1.5)
    assert found.cores == pytest.approx(0.027)
    assert (found.memory_mib, found.series) == (0.5, 24)
    assert found.kbit_per_s == pytest.approx(2 * 8 * 100)


def test_coded_video_takes_its_units_as_well() -> None:
    """Every unit is decoded, scored or not, and the decoder holds pictures."""
    found = stream_demand(VP8, CONSTANTS)
    assert found.worker_ms == pytest.approx(30 * 2 + 2 * (1 + 3 + 5))
    assert found.main_ms == pytest.approx(2 * 1.5 + 30 * 0.1)
    assert found.memory_mib == pytest.approx(0.5 + 12 * 1.5e6 / 2**20)
    assert found.kbit_per_s == pytest.approx(30 * 8 * 5)


@pytest.mark.parametrize("work", [JPEG, VP8], ids=["jpeg", "vp8"])
def test_more_takes_more(work: Workload) -> None:
    """Of faces, pixels, rate, and a heavier student."""
    least = stream_demand(work, CONSTANTS).cores
    for change in ({"faces": 2.0}, {"width": 2000}, {"scored_fps": 4.0}, {"student": "heavy"}):
        assert stream_demand(replace(work, **change), CONSTANTS).cores > least


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"codec": "mjpeg"}, "choose one of jpeg"),
        ({"streams": 0}, "streams must be"),
        ({"scored_fps": 0.0}, "scored_fps must be"),
        ({"codec": "vp8", "unit_fps": 1.0}, "raise unit_fps"),
        ({"student": "nobody"}, "measured were light, heavy"),
    ],
)
def test_what_cannot_be_is_named(change: dict[str, object], named: str) -> None:
    """The sentence says which number is wrong."""
    with pytest.raises(BadWorkload, match=named):
        stream_demand(replace(JPEG, **change), CONSTANTS)  # type: ignore[arg-type]
