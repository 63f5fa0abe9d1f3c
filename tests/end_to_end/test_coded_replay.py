"""`facegauge replay --coded` against a real server: the scores are those of the decoded replay."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Client, Decode, Delivery, FrameEncoding, FrameResult, NoticeKind
from tests.client.coded_files import CONTAINERS, write_video

from .conftest import ServerProcess

FRAMES = 45
TOLERANCE = 1e-6
"""Both ways decode with FFmpeg and convert the same planes with OpenCV: they differ in nothing."""


def replayed(facegauge: str, server: ServerProcess, *arguments: str) -> list[dict[str, Any]]:
    command = [facegauge, "replay", *arguments, "--server", server.listen, "--speed", "max", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def scores(lines: list[dict[str, Any]]) -> dict[float, tuple[float, float]]:
    """Quality of the frame and smoothed quality, by the picture's time."""
    return {
        round(line["capture_time_s"], 3): (line["raw_quality"], line["quality"])
        for line in lines
        if line["result"] == "scored"
    }


def is_h264(path: Path) -> bool:
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.name == "h264"


@pytest.mark.slow
@pytest.mark.parametrize("fps", ["all", "5"])
@pytest.mark.parametrize("encoding", CONTAINERS)
def test_scores_agree_with_those_of_the_decoded_replay(
    encoding: FrameEncoding,
    fps: str,
    astronaut: npt.NDArray[np.uint8],
    tmp_path: Path,
    facegauge: str,
    server: ServerProcess,
) -> None:
    """The same pictures are picked and get the same scores, smoothed and not, to the last digits."""
    path = str(write_video(tmp_path, encoding, astronaut, FRAMES, (640, 640)))
    decoded = scores(replayed(facegauge, server, path, "--fps", fps))
    coded = scores(replayed(facegauge, server, path, "--fps", fps, "--coded"))
    assert len(decoded) == (FRAMES if fps == "all" else 8)
    assert coded.keys() == decoded.keys()
    for time_s, expected in decoded.items():
        assert coded[time_s] == pytest.approx(expected, abs=TOLERANCE), time_s


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_clips_agree(shared_dir: Path, facegauge: str, server: ServerProcess) -> None:
    """The three smallest clips of real people, at one picture a second."""
    found = sorted((shared_dir / "videos").glob("*.mp4"), key=lambda path: path.stat().st_size)
    clips = [clip for clip in found if is_h264(clip)][:3]
    if not clips:
        pytest.skip("there are no clips")
    for clip in clips:
        decoded = scores(replayed(facegauge, server, str(clip), "--fps", "1"))
        coded = scores(replayed(facegauge, server, str(clip), "--fps", "1", "--coded"))
        assert decoded
        assert coded.keys() == decoded.keys()
        for time_s, expected in decoded.items():
            assert coded[time_s] == pytest.approx(expected, abs=TOLERANCE), (clip.name, time_s)


async def test_packets_are_sent_as_they_are(
    astronaut: npt.NDArray[np.uint8], tmp_path: Path, server: ServerProcess
) -> None:
    """`stream.send(packet)`; a stream that begins without its keyframe says that it needs one."""
    path = write_video(tmp_path, FrameEncoding.VP8, astronaut, 12, (640, 640))
    async with Client(server.listen) as client:
        options: dict[str, Any] = {"encoding": FrameEncoding.VP8, "decode": Decode.ALL}
        with av.open(str(path)) as container:
            async with client.monitor("whole", batch_interval_s=0.05, **options) as stream:
                for packet in container.demux(container.streams.video[0]):
                    if packet.size:
                        await stream.send(packet)
            assert stream.latest is not None
            assert (stream.latest.sequence, stream.latest.result) == (11, FrameResult.SCORED)
        with av.open(str(path)) as container:
            async with client.monitor("torn", delivery=Delivery.COMPLETE, **options) as stream:
                _, *others = [one for one in container.demux(container.streams.video[0]) if one.size]
                await stream.send(others[0])
        assert [notice.kind for notice in stream.notices] == [NoticeKind.KEYFRAME_NEEDED]
        assert stream.summary is not None
        assert stream.summary.frames_not_decoded == 1


def test_what_cannot_be_sent_coded_is_named(tmp_path: Path, facegauge: str, server: ServerProcess) -> None:
    """A folder of pictures, and a report, which shows pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    command = [facegauge, "replay", str(folder), "--coded", "--server", server.listen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "a folder of pictures is no coded video" in done.stdout + done.stderr
    report = [*command, "--report", str(tmp_path / "report.html")]
    done = subprocess.run(report, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "--report" in done.stderr
