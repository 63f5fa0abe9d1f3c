"""What a viewer would say of the real thing: the harder a clip is compressed, the lower its quality."""

from __future__ import annotations

import io
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from facegauge_client import Box, Delivery, Face
from facegauge_client.sync import Client

from .conftest import ServerProcess

CRFS = (23, 33, 43, 51)
CLIP_S = 4.0
SCORED_FPS = 4
SAME_FACE_IOU = 0.3

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


def play(client: Client, clip: bytes, name: str) -> dict[int, tuple[Face, ...]]:
    """Play a clip to the server and return the scored faces of every frame by its number."""
    with (
        av.open(io.BytesIO(clip), "r") as container,
        client.monitor(name, delivery=Delivery.COMPLETE) as stream,
    ):
        fps = float(container.streams.video[0].average_rate or 25)
        for number, frame in enumerate(container.decode(video=0)):
            if number % max(1, round(fps / SCORED_FPS)) == 0:
                stream.send(frame, capture_time_s=number / fps, sequence=number)
        stream.finish()
        return {
            assessment.sequence: assessment.faces for assessment in stream if assessment.sequence is not None
        }


def mean_qualities(versions: list[dict[int, tuple[Face, ...]]]) -> tuple[int, list[float]]:
    """Return in how many frames every version scores the same face, and its mean quality in each."""
    rows = []
    for number, reference in versions[0].items():
        if not reference:
            continue
        main = max(reference, key=lambda face: face.short_side_px)
        row = [
            face.raw_quality
            for version in versions
            if (face := _same_face(main, version.get(number, ()))) and face.raw_quality is not None
        ]
        if len(row) == len(versions):
            rows.append(row)
    return len(rows), [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _same_face(face: Face, among: tuple[Face, ...]) -> Face | None:
    return next((other for other in among if _overlap(face.box, other.box) > SAME_FACE_IOU), None)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


@pytest.mark.timeout(900)
def test_quality_falls_with_every_step_of_compression(server: ServerProcess, shared_dir: Path) -> None:
    """Re-encoded with x264 at CRF 23, 33, 43 and 51, every clip's mean quality falls at every step.

    Means are over the frames in which all four versions score the face that the best one shows.
    """
    not_falling = {}
    incomparable = []
    with Client(server.listen) as client:
        clips = sorted(path for path in (shared_dir / "videos").iterdir() if path.suffix != ".csv")
        for path in clips:
            with av.open(str(path)) as container:
                fps = round(float(container.streams.video[0].average_rate or 25))
                frames = list(islice(container.decode(video=0), int(CLIP_S * fps)))
            versions = [play(client, encode(frames, crf, fps), f"{path.name}-{crf}") for crf in CRFS]
            count, means = mean_qualities(versions)
            if not count:
                incomparable.append(path.name)
                continue
            print(path.name, count, *(f"{mean:.4f}" for mean in means))
            if any(after >= before for before, after in pairwise(means)):
                not_falling[path.name] = means
    assert not not_falling, not_falling
    assert not incomparable, f"no face is scored in all versions of {incomparable}"
