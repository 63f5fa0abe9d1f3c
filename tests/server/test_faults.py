"""Faults of streams through a real server: exported while they last, told unasked, none of its own making."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import grpc
import numpy as np
import pytest
import simplejpeg

from bench.fault_clips import TimedPicture, read_clip
from facegauge.v1 import quality_pb2 as pb
from tests.end_to_end.conftest import ServerProcess
from tests.server.conftest import Connect, StartServer, config_request, faults_of, frame_request, read_rest
from tests.server.scraping import read_metrics


@pytest.fixture(scope="module")
def clip(shared_dir: Path) -> list[TimedPicture]:
    return read_clip(shared_dir / "videos" / "lipnet-bbaf2n.mpg", fps=12.5)


def request(number: int, picture: TimedPicture) -> pb.MonitorStreamRequest:
    coded = simplejpeg.encode_jpeg(np.ascontiguousarray(picture.pixels), quality=60)
    return frame_request(coded, number, capture_time_s=picture.capture_time_s)


async def scrape(server: ServerProcess, metric: str) -> dict[str, float]:
    """Return the samples of a metric by their labels."""
    lines = (await read_metrics(server)).splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric)
    }


async def test_a_fault_is_exported_and_listed_while_it_lasts(server: ServerProcess, connect: Connect) -> None:
    """One series, 1, with the stream's labels, and the main cause of its status."""
    stub = connect(server)
    call = stub.MonitorStream()
    await call.write(config_request("s", call_id="c", delivery=pb.DELIVERY_COMPLETE))
    await call.read()
    dark = np.zeros((240, 320, 3), np.uint8)
    for number in range(8):
        await call.write(request(number, TimedPicture(number / 10, dark)))
        response = await call.read()
    assert isinstance(response, pb.MonitorStreamResponse)
    assert response.assessment.main_cause == pb.Cause(kind=pb.CAUSE_KIND_BLACK, value=1.0, threshold=0.98)
    (listed,) = (await stub.ListStreams(pb.ListStreamsRequest())).streams
    assert listed.main_cause == response.assessment.main_cause
    assert await scrape(server, "facegauge_stream_fault{") == {
        'facegauge_stream_fault{call_id="c",cause="black",stream_id="s",tenant=""}': 1.0
    }
    await call.done_writing()
    await read_rest(call)


@pytest.mark.parametrize("thinned", [{"max_fps": 2.0}, {"min_fps": 0.7}], ids=["max_fps", "min_fps"])
async def test_frames_left_out_here_are_no_fault(
    server: ServerProcess, connect: Connect, clip: list[TimedPicture], thinned: dict[str, float]
) -> None:
    """A live stream of which few frames are scored has the rate that its sender has: a fall shows."""
    call = connect(server).MonitorStream()
    await call.write(config_request("thinned", **thinned))
    # A picture never comes twice: the clip's next round is shifted.
    shifted = (np.roll(one.pixels, 16 * turn, axis=1) for turn in itertools.count() for one in clip)
    coded = (simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=60) for pixels in shifted)
    told: list[pb.Assessment] = []

    async def read() -> None:
        while (response := await call.read()) is not grpc.aio.EOF:
            assert isinstance(response, pb.MonitorStreamResponse)
            told.append(response.assessment)

    reading = asyncio.create_task(read())
    number, at_s = 0, 0.0
    while at_s < 6 or len(told) < 5:  # never silent for long, however slow the machine is
        await call.write(frame_request(next(coded), number, capture_time_s=at_s))
        number, at_s = number + 1, at_s + 1 / 30
    assert [faults for one in told if (faults := faults_of(one.causes))] == []
    assert len(told) < number / 3
    for _ in range(6):
        at_s += 1 / 5
        await call.write(frame_request(next(coded), number, capture_time_s=at_s))
        number += 1
    await call.done_writing()
    await reading
    slow = [cause for one in told for cause in one.causes if cause.kind == pb.CAUSE_KIND_LOW_FRAME_RATE]
    assert slow[-1].value == pytest.approx(5, abs=0.5)


async def test_a_live_stream_that_stops_is_frozen_at_once(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """It is told unasked, before the stream goes stale: no frame is needed for it."""
    app = await start_server(stale_after_s=60.0)
    call = connect(app).MonitorStream()
    await call.write(config_request("s"))
    await call.read()
    for number in range(12):
        await call.write(frame_request(portrait_jpeg, number, capture_time_s=number / 30))
    while True:
        response = await call.read()
        assert isinstance(response, pb.MonitorStreamResponse)
        if faults_of(response.assessment.causes):
            break
    assert not response.assessment.HasField("sequence")
    (cause,) = faults_of(response.assessment.causes)
    assert cause.kind == pb.CAUSE_KIND_FREEZE
    assert cause.value >= cause.threshold == 0.5
    assert response.assessment.main_cause == cause
    await call.done_writing()
    await read_rest(call)
