"""The truth of a call, from a record: pictures find their references, and VMAF is each second's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.call_agreement import agreement
from bench.call_truth import Recorded, Second, face_boxes, per_second
from bench.real_call.clip import write_portrait_clip
from bench.real_call.lossy_path import Passed
from facegauge_gateway.rtp.codec import Codec
from facegauge_server.types import Encoding
from tests.coded_video import encode_units
from tests.gateway.rtp_streams import by_ffmpeg, serialise

FPS = 30


@pytest.mark.slow
@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_a_second_of_few_bits_has_less_truth(tmp_path: Path, codec: Codec) -> None:
    """Two seconds well coded with one in ruins between them, and the camera's loop begun in its middle."""
    shown = write_portrait_clip(tmp_path / "clip.y4m", lines=360, fps=FPS, seconds=2)
    shown = [*shown[20:], *shown[:20]]
    units = [
        unit
        for bit_rate in (1_500_000, 40_000, 1_500_000)
        for unit in encode_units(Encoding[codec.name], shown[:FPS], bit_rate=bit_rate)
    ]
    packets = by_ffmpeg(codec, units)
    first = packets[0].timestamp
    record = [Passed((one.timestamp - first) % 2**32 / 90_000, serialise(one), True) for one in packets]
    at_s = [first / 90_000 + second + 0.5 for second in range(3)]
    scored = [{"capture_time_s": time_s, "raw_quality": 0.5 + time_s % 0.1} for time_s in at_s]
    camera = [*shown[-20:], *shown[:-20]]

    seconds = per_second(Recorded(record, scored), codec.lower(), camera, face_boxes(camera), from_s=0)

    assert [one.at_s for one in seconds] == [0, 1, 2]
    assert all(one.pictures >= FPS - 2 for one in seconds), "an encoder may leave out some"
    well, ruined, again = (one.truth for one in seconds)
    assert well > 0.7
    assert well - ruined > 0.2
    assert abs(well - again) < 0.05
    assert seconds[1].kbit_per_s < seconds[0].kbit_per_s / 3


def test_agreement_is_of_order_and_of_size() -> None:
    truths = (0.2, 0.4, 0.6, 0.8)
    same = agreement([Second(n, 100, 15, truth - 0.1, truth) for n, truth in enumerate(truths)])
    assert same.srocc == pytest.approx(1)
    assert same.plcc == pytest.approx(1)
    assert same.mean_difference == pytest.approx(-0.1)
    assert same.rmse == pytest.approx(0.1)
    turned = agreement([Second(n, 100, 15, 1 - truth, truth) for n, truth in enumerate(truths)])
    assert turned.srocc == pytest.approx(-1)
