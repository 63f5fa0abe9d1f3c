"""A steady stream costs the server little, over the wire too."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Client, EncodedFrame, FrameEncoding, FrameResult, StreamRejected

from .conftest import ServerProcess, StartServerProcess

FRAMES = 60


async def test_frames_of_a_steady_stream_are_skipped(
    start_server_process: StartServerProcess, astronaut: npt.NDArray[np.uint8]
) -> None:
    """Most frames of a still picture are left out, each is accounted for, and another picture is scored."""
    server = start_server_process("--max-stream-fps", "1000")  # they come in a burst
    picture = cv2.resize(astronaut, (720, 720), interpolation=cv2.INTER_CUBIC)[:, :, ::-1]
    sharp, ruined = (
        EncodedFrame(FrameEncoding.JPEG, cv2.imencode(".jpg", picture, [1, quality])[1].tobytes())
        for quality in (90, 4)
    )
    skipped = 0
    async with (
        Client(server.listen) as client,
        client.monitor("still", min_fps=0.5, mailbox_frames=2 * FRAMES) as stream,
    ):
        for number in range(3):  # three scores that agree: from here on it is steady
            await stream.send(sharp, capture_time_s=number)
            assert (await anext(stream)).result is FrameResult.SCORED
        for number in range(FRAMES):
            await stream.send(sharp, capture_time_s=3 + number / 20)
        await stream.send(ruined, capture_time_s=3 + FRAMES / 20, sequence=1000)
        await stream.finish()
        async for assessment in stream:
            skipped += assessment.frames_skipped
            last = assessment
        summary = stream.summary
    assert last.sequence == 1000, "another picture is scored at once"
    assert summary is not None
    assert summary.frames_skipped == skipped > 0.8 * FRAMES
    assert summary.frames_scored + summary.frames_skipped + summary.frames_dropped == FRAMES + 4


async def test_a_least_rate_that_cannot_be_is_refused(server: ServerProcess) -> None:
    """Slower than once in four seconds is no monitoring."""
    async with Client(server.listen) as client:
        with pytest.raises(StreamRejected, match=r"min_fps: must be from 0.25 to 1000, not 0.1"):
            async with client.monitor("slow", min_fps=0.1):
                pass
