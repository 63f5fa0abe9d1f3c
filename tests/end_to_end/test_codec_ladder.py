"""What a viewer would say of the real thing: the harder a clip is compressed, the lower its quality."""

from __future__ import annotations

import io
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from facegauge_client import Delivery
from facegauge_client.sync import Client

from .conftest import ServerProcess

CRFS = (23, 33, 43, 51)
CLIP_S = 4.0
SCORED_FPS = 4

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def encode(frames: list[av.VideoFrame], crf: int, fps: int) -> bytes:
    """Encode a clip with x264."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height = frames[0].width // 2 * 2, frames[0].height // 2 * 2
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = frame.reformat(stream.width, stream.height, "yuv420p")
            picture.pts = None
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return buffer.getvalue()


def scores(client: Client, clip: bytes, name: str) -> dict[int, float]:
    """Play a clip to the server and return the raw quality of every scored frame by its number."""
    with (
        av.open(io.BytesIO(clip), "r") as container,
        client.monitor(name, delivery=Delivery.COMPLETE) as stream,
    ):
        fps = float(container.streams.video[0].average_rate or 25)
        for number, frame in enumerate(container.decode(video=0)):
            if number % max(1, round(fps / SCORED_FPS)) == 0:
                stream.send(frame, capture_time_s=number / fps)
        stream.finish()
        return {
            assessment.sequence: assessment.raw_quality
            for assessment in stream
            if assessment.sequence is not None and assessment.raw_quality is not None
        }


@pytest.mark.timeout(900)
def test_quality_falls_with_every_step_of_compression(server: ServerProcess, shared_dir: Path) -> None:
    """Re-encoded with x264 at CRF 23, 33, 43 and 51, every clip's mean quality falls at every step.

    Means are over the frames that are scored in all four versions.
    """
    not_falling = {}
    with Client(server.listen) as client:
        clips = sorted(path for path in (shared_dir / "videos").iterdir() if path.suffix != ".csv")
        for path in clips:
            with av.open(str(path)) as container:
                fps = round(float(container.streams.video[0].average_rate or 25))
                frames = list(islice(container.decode(video=0), int(CLIP_S * fps)))
            versions = [scores(client, encode(frames, crf, fps), f"{path.name}-{crf}") for crf in CRFS]
            common = set.intersection(*(set(version) for version in versions))
            assert common, f"{path.name}: no frame is scored in all versions"
            means = [sum(version[number] for number in common) / len(common) for version in versions]
            print(path.name, len(common), *(f"{mean:.3f}" for mean in means))
            if any(after >= before for before, after in pairwise(means)):
                not_falling[path.name] = means
    assert not not_falling
