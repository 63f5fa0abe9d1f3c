# /// script
# requires-python = ">=3.11"
# dependencies = ["facegauge-client", "livekit==1.2.1", "numpy"]
#
# [tool.uv.sources]
# facegauge-client = { path = "../../client" }
# facegauge-proto = { path = "../../proto" }
# ///
"""A LiveKit bot that has every camera of a room scored. Not run here: it needs a LiveKit server.

It publishes nothing, subscribes to cameras, and sends two pictures a second of each. It sees what LiveKit
sends to it, a layer that suits its own connection; libwebrtc decodes every frame of that.

    LIVEKIT_URL=wss://... LIVEKIT_TOKEN=... uv run examples/livekit/bot.py 127.0.0.1:50051
"""

from __future__ import annotations

import asyncio
import os
import sys

import numpy as np
import numpy.typing as npt
from livekit import rtc

from facegauge_client import Client, FacegaugeError, MonitorStream

MAX_FPS = 2.0
QUARTER_TURNS = {
    rtc.VideoRotation.VIDEO_ROTATION_0: 0,
    rtc.VideoRotation.VIDEO_ROTATION_90: 1,
    rtc.VideoRotation.VIDEO_ROTATION_180: 2,
    rtc.VideoRotation.VIDEO_ROTATION_270: 3,
}
"""Clockwise, to show a picture upright."""


def upright(event: rtc.VideoFrameEvent) -> npt.NDArray[np.uint8]:
    """Return the picture as RGB, turned as a viewer sees it."""
    frame = event.frame.convert(rtc.VideoBufferType.RGB24)
    pixels = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.width, 3)
    return np.ascontiguousarray(np.rot90(pixels, -QUARTER_TURNS[event.rotation]))


async def score(client: Client, track: rtc.Track, stream_id: str, call_id: str) -> None:
    """Send a track's pictures until it ends, and print how they look."""
    video = rtc.VideoStream.from_track(track=track, capacity=1)  # the newest frame wins
    try:
        async with (
            client.monitor(stream_id=stream_id, call_id=call_id, max_fps=MAX_FPS) as stream,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(show(stream))
            next_us = 0.0
            async for event in video:
                if event.timestamp_us >= next_us:
                    next_us = event.timestamp_us + 1e6 / MAX_FPS
                    await stream.send(upright(event), capture_time_s=event.timestamp_us / 1e6)
            await stream.finish()
    except* FacegaugeError as errors:
        print(stream_id, *errors.exceptions, file=sys.stderr)
    finally:
        await video.aclose()


async def show(stream: MonitorStream) -> None:
    """Print what the server says."""
    async for assessment in stream:
        print(assessment.stream_id, assessment.state, assessment.quality)


async def main(server: str) -> None:
    """Follow a room until it ends."""
    room, over = rtc.Room(), asyncio.Event()
    token = os.environ.get("FACEGAUGE_TOKEN")
    async with Client(server, token=token) as client, asyncio.TaskGroup() as tasks:

        def subscribed(
            track: rtc.Track, _publication: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant
        ) -> None:
            if track.kind == rtc.TrackKind.KIND_VIDEO:
                tasks.create_task(score(client, track, f"{who.identity}/{track.sid}", room.name))

        room.on("track_subscribed", subscribed)
        room.on("disconnected", lambda _reason: over.set())
        await room.connect(os.environ["LIVEKIT_URL"], os.environ["LIVEKIT_TOKEN"])
        await over.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"))
