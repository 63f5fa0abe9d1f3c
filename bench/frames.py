"""Frames of a real call, encoded as clients send them: JPEG of 1280 x 720."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import av
import cv2

from facegauge_client.demo.call import Act, play_call

__all__ = ["call_frames", "video_frames"]

JPEG_QUALITY = 85


def call_frames(count: int) -> list[bytes]:
    """Return frames of the demo's call, decoded from H.264 of 2 Mbit/s and encoded again as JPEG."""
    call = play_call((Act(seconds=count, kbit_per_s=2000, height=720),))
    return [_jpeg(item.frame) for item in islice(call, 0, count * 5, 5)]


def video_frames(path: Path, count: int) -> list[bytes]:
    """Return the first frames of a video file, a fifth of a second or so apart, as JPEG of 720 lines."""
    with av.open(str(path)) as container:
        step = max(1, round(float(container.streams.video[0].average_rate or 25) / 5))
        frames = islice(container.decode(video=0), 0, count * step, step)
        return [_jpeg(frame) for frame in frames]


def _jpeg(frame: av.VideoFrame) -> bytes:
    height = 720
    width = round(frame.width * height / frame.height / 2) * 2
    picture = frame.to_ndarray(format="bgr24", width=width, height=height, interpolation="AREA")
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return data.tobytes()
