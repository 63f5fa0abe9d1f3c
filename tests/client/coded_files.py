"""Files of real coded video, in the containers that they are found in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_client import FrameEncoding
from facegauge_training.data.codecs import tamed_svt_av1

__all__ = ["CONTAINERS", "write_video"]

CONTAINERS: dict[FrameEncoding, tuple[str, str, dict[str, str]]] = {
    FrameEncoding.H264: ("mp4", "libx264", {"preset": "veryfast", "bf": "2"}),
    FrameEncoding.VP8: ("webm", "libvpx", {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}),
    FrameEncoding.VP9: (
        "webm",
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    ),
    FrameEncoding.AV1: ("mp4", "libsvtav1", {"preset": "12"}),
}
"""Suffix, encoder and options; H.264 with B-frames, so that units come in another order than pictures."""


def write_video(
    folder: Path,
    encoding: FrameEncoding,
    picture: npt.NDArray[np.uint8],
    count: int,
    size: tuple[int, int] = (320, 240),
) -> Path:
    """A picture that moves to the right, at thirty frames a second."""
    suffix, encoder, options = CONTAINERS[encoding]
    path = folder / f"{encoding}.{suffix}"
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    with tamed_svt_av1(), av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=30)
        stream.width, stream.height = size
        stream.codec_context.thread_count = 1  # libvpx's threads wait in a loop: minutes on few cores
        stream.pix_fmt, stream.bit_rate, stream.options = "yuv420p", 3_000_000, options
        for number in range(count):
            moved = np.ascontiguousarray(np.roll(scaled, 2 * number, axis=1), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return path
