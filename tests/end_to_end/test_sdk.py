"""The SDK against a real server: every way of handing over a picture, and the calls beside streams."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import (
    Client,
    Delivery,
    EncodedFrame,
    FrameEncoding,
    FrameResult,
    HealthStatus,
    RequestRejected,
    ServerFull,
    StreamExists,
    StreamRejected,
)

from .conftest import ServerProcess, StartServerProcess

Pixels = npt.NDArray[np.uint8]


def nv12(picture: Pixels) -> EncodedFrame:
    video = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="nv12")
    return EncodedFrame(FrameEncoding.NV12, video.to_ndarray().tobytes(), video.width, video.height)


def bgr24(picture: Pixels) -> EncodedFrame:
    height, width = picture.shape[:2]
    return EncodedFrame(FrameEncoding.BGR24, picture[:, :, ::-1].tobytes(), width, height)


WAYS: dict[str, Callable[[Pixels], Any]] = {
    "array": lambda picture: picture,
    "odd array": lambda picture: picture[1:, 1:],
    "video frame": lambda picture: av.VideoFrame.from_ndarray(picture, format="rgb24"),
    "png": lambda picture: cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes(),
    "jpeg": lambda picture: cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[
        1
    ].tobytes(),
    "webp": lambda picture: cv2.imencode(".webp", picture[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101])[
        1
    ].tobytes(),
    "nv12": nv12,
    "bgr24": bgr24,
}

LOSSLESS = 0.001
HALVED_COLOUR = 0.05
TOLERANCES = {"png": LOSSLESS, "bgr24": LOSSLESS, "odd array": 0.1}  # odd: a pixel less


@pytest.fixture
def large(astronaut: Pixels) -> Pixels:
    """The portrait, enlarged so that its face is 200 px wide."""
    return np.asarray(cv2.resize(astronaut, (1024, 1024), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


async def test_every_way_of_handing_over_a_picture_gives_nearly_the_same_score(
    server: ServerProcess, large: Pixels
) -> None:
    """One picture, one score; halving the resolution of its colours moves it by 0.05 at most.

    Over the pristine crops of 100 faces of the ladder I420 moves it by 0.004 on average, by 0.017 at the
    95th percentile and by 0.046 at most; this one, enlarged by a cubic spline, is near that.
    """
    reference = EncodedFrame(FrameEncoding.RGB24, large.tobytes(), 1024, 1024)
    qualities: dict[str, float] = {}
    async with Client(server.listen) as client:
        expected = (await client.assess_image(reference)).quality
        assert expected is not None
        for name, way in WAYS.items():
            assessment = await client.assess_image(way(large))
            assert assessment.result is FrameResult.SCORED, name
            assert assessment.quality is not None
            qualities[name] = assessment.quality
            tolerance = TOLERANCES.get(name, HALVED_COLOUR)
            assert assessment.quality == pytest.approx(expected, abs=tolerance), name
    assert qualities["video frame"] == pytest.approx(qualities["array"], abs=0.01)
    assert qualities["nv12"] == pytest.approx(qualities["video frame"], abs=0.01)


async def test_a_stream_is_listed_while_it_lives_with_what_it_counts(
    server: ServerProcess, large: Pixels
) -> None:
    """list_streams and watch_streams show a stream while it lives; its summary ends it."""
    async with Client(server.listen) as client:
        assert await client.health() is HealthStatus.SERVING
        async with client.monitor("a", "call", delivery=Delivery.COMPLETE) as stream:
            for number in range(3):
                await stream.send(large, capture_time_s=number / 5)
                await anext(stream)
            (status,) = (await client.list_streams("call")).streams
            assert (status.stream_id, status.call_id, status.frames_scored) == ("a", "call", 3)
            assert (await client.list_streams("another call")).total == 0
            async for streams in client.watch_streams(interval_s=0.1):
                assert streams.streams[0].stream_id == "a"
                break
            with pytest.raises(StreamExists, match="is live: choose another stream_id"):
                await client.monitor("a").__aenter__()
        assert stream.summary is not None
        assert stream.summary.frames_scored == 3
        assert (await client.list_streams()).total == 0


async def test_what_the_server_refuses_comes_with_its_reason(
    start_server_process: StartServerProcess,
) -> None:
    """Wrong fields, a full server and a broken picture are errors of their own classes."""
    server = start_server_process("--max-streams", "1")
    async with Client(server.listen) as client:
        with pytest.raises(StreamRejected, match="stream_id"):
            await client.monitor("a\nb").__aenter__()
        with pytest.raises(StreamRejected, match="median_window"):
            await client.monitor("a", median_window=4).__aenter__()
        with pytest.raises(RequestRejected):
            await client.assess_image(EncodedFrame(FrameEncoding.I420, bytes(7), 4, 4))
        async with client.monitor("a"):
            with pytest.raises(ServerFull, match="--max-streams"):
                await client.monitor("b").__aenter__()


async def test_a_live_stream_survives_a_server_that_dies(
    start_server_process: StartServerProcess, large: Pixels
) -> None:
    """Killed without a word and started again on the same port, the server gets the stream back."""
    first = start_server_process()
    async with Client(first.listen) as client, client.monitor("a") as stream:
        await stream.send(large, capture_time_s=0.0)
        await anext(stream)
        first.process.kill()
        first.process.wait()
        start_server_process("--listen", first.listen)
        number = 0
        while stream.reconnects == 0:  # a call goes on sending meanwhile
            await stream.send(large, capture_time_s=(number := number + 1) / 5)
            await asyncio.sleep(0.02)
        last = await stream.send(large, capture_time_s=number / 5 + 1)
        async for assessment in stream:
            if assessment.sequence == last:
                break
    assert assessment.result is FrameResult.SCORED
    assert stream.frames_sent + stream.frames_dropped == number + 2


async def test_the_readmes_example_runs_to_its_end_though_frames_are_left_out(
    start_server_process: StartServerProcess, portrait_jpeg: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very code of README.md: frames beyond the rate limit stall nothing, and assessments are printed."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## From your own program")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    example: dict[str, Any] = {}
    exec(code[1], example)  # noqa: S102 - our own README
    server = start_server_process("--max-stream-fps", "2")

    async def frames() -> AsyncIterator[bytes]:
        for _ in range(60):  # a camera at 30 frames per second
            yield portrait_jpeg
            await asyncio.sleep(1 / 30)

    async with asyncio.timeout(60):
        await example["monitor"](frames(), server.listen)
    lines = capsys.readouterr().out.splitlines()
    assert 1 <= len(lines) < 60
    for line in lines:
        state, quality = line.split()
        assert state == "scored"
        assert 0 < float(quality) < 1
