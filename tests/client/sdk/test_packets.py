"""Packets of real containers become units that a decoder without the container can begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import FrameEncoding
from facegauge_client.sdk.packets import PacketReader, capture_time_of, encoding_of
from tests.client.coded_files import CONTAINERS, write_video

DECODERS = {"h264": "h264", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}


@pytest.mark.parametrize("encoding", CONTAINERS)
def test_units_decode_without_their_container(
    encoding: FrameEncoding, astronaut: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    """Parameter sets are in band; keyframes are marked; times are the pictures', in decoding order."""
    path = write_video(tmp_path, encoding, astronaut, 10)
    reader = PacketReader()
    decoder: Any = av.CodecContext.create(DECODERS[encoding], "r")
    keys, times, pictures = [], [], 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert encoding_of(stream) is encoding
        for packet in container.demux(stream):
            if not packet.size:
                continue
            times.append(capture_time_of(packet))
            unit = reader.read(packet)
            assert unit.encoding is encoding
            keys.append(unit.keyframe)
            pictures += len(decoder.decode(av.Packet(unit.data)))
    pictures += len(decoder.decode(None))
    assert (pictures, keys) == (10, [True] + [False] * 9)
    assert sorted(time for time in times if time is not None) == pytest.approx(
        [number / 30 for number in range(10)], abs=0.001
    )


def test_what_is_no_unit_is_named(astronaut: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    """An encoder's packet has no container to say what it is, and the last one of a container is empty."""
    with pytest.raises(ValueError, match="EncodedFrame"):
        PacketReader().read(av.Packet(b"some bytes"))
    path = write_video(tmp_path, FrameEncoding.VP8, astronaut, 2)
    with av.open(str(path)) as container:
        *_, last = container.demux(container.streams.video[0])
        with pytest.raises(ValueError, match="is empty"):
            PacketReader().read(last)


def test_other_video_is_named(astronaut: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    """With what the interface takes."""
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = 64, 64
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(astronaut[:64, :64]), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container, pytest.raises(ValueError, match=r"mpeg4.*H264, VP8, VP9, AV1"):
        encoding_of(container.streams.video[0])
