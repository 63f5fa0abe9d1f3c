"""Files that people drop on the page: real ones, made by PyAV and OpenCV."""

from __future__ import annotations

import io
from collections.abc import Mapping

import av
import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["playlist", "video"]


def video(picture: npt.NDArray[np.uint8], *, seconds: float = 3.0, fps: int = 10) -> bytes:
    """An MP4 that shows a picture moving a little: H.264."""
    file = io.BytesIO()
    options: Mapping[str, str] = {"preset": "ultrafast"}
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        shown = cv2.resize(picture, (540, 540))
        for number in range(round(seconds * fps)):
            seen = np.ascontiguousarray(shown[number % 20 : number % 20 + 512, 10:522], dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file.getvalue()


def playlist(address: str) -> bytes:
    """A list that would make FFmpeg open another address."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n".encode()
