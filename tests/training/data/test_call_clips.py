from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Box
from facegauge_training.commands.cause_commands import call_clips as command
from facegauge_training.common.errors import RecipeError
from facegauge_training.data import call_clips
from facegauge_training.data.clips import Clip
from facegauge_training.data.crop_set import CropSet
from tests.training.data.astronaut import read_astronaut

FRAMES = 24


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut, moving to the right, in portrait format."""
    path = tmp_path_factory.mktemp("videos") / "astronaut.mkv"
    picture = cv2.copyMakeBorder(read_astronaut(), 200, 300, 100, 100, cv2.BORDER_REFLECT_101)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 860, 1300, "yuv420p"
        for t in range(FRAMES):
            shown = np.ascontiguousarray(picture[:1300, 60 - 2 * t : 920 - 2 * t], np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode(None))
    (path.parent / "index.csv").write_text(f"file,repo\n{path.name},nasa/astronaut\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    detector = FaceDetector()
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def footage(video: Path, detector: FaceDetector) -> call_clips.Footage:
    return call_clips.read_call(video, detector)


@pytest.fixture(scope="module")
def clip(footage: call_clips.Footage) -> Clip:
    """The part of the call that the video itself is."""
    return Clip(footage.clip.frames[:FRAMES], footage.clip.faces[:FRAMES])


def test_a_short_video_goes_to_and_fro_until_the_call_has_fallen(footage: call_clips.Footage) -> None:
    """As many seconds as there are steps; after the last frame come those before it."""
    frames = footage.clip.frames
    assert len(frames) == len(footage.clip.faces) == len(call_clips.FALL) * 25
    assert frames[FRAMES] is frames[FRAMES - 2]
    assert frames[2 * (FRAMES - 1)] is frames[0]
    assert footage.enlargement == pytest.approx(720 / 860)


def test_a_portrait_video_becomes_a_square_of_720_lines_around_the_face(clip: Clip) -> None:
    """Every frame has its face inside, and the boxes follow it."""
    assert all(frame.shape == (720, 720, 3) for frame in clip.frames)
    for face in clip.faces:
        assert min(face.x, face.y) > 0
        assert max(face.x + face.width, face.y + face.height) < 720
    assert clip.faces[-1].x - clip.faces[0].x == pytest.approx(2 * (FRAMES - 1) * 720 / 860, abs=12)


def test_boxes_between_two_finds_lie_between_them() -> None:
    """A missed detection is bridged; before the first and after the last the nearest holds."""
    boxes = call_clips.boxes_between({2: Box(0, 0, 10, 10), 6: Box(40, 0, 10, 30)}, 8)
    assert [box.x for box in boxes] == [0, 0, 0, 10, 20, 30, 40, 40]
    assert boxes[4].height == 20


def test_short_clips_still_fall_from_the_best_to_the_worst() -> None:
    """Whatever their length, clips begin with the first step and end with the last."""
    for count in (2, 3, 8):
        steps = call_clips.fall_of(count)
        assert (steps[0], steps[-1], len(steps)) == (call_clips.FALL[0], call_clips.FALL[-1], count)


def test_the_truth_falls_with_the_call(footage: call_clips.Footage, clip: Clip, tmp_path: Path) -> None:
    """The face is plainly worse in the last part than in the first; crops come in order, one is pristine."""
    short = call_clips.Footage(clip, footage.enlargement)
    assert call_clips.label_video(tmp_path, Path("astronaut.mkv"), "nasa", "x264", short) > 0
    crops = CropSet([tmp_path])
    truth = {row["second"]: row["second_vmaf"] for row in crops.rows}
    assert truth[0] > truth[1] + 0.3
    pristine = [row for row in crops.rows if not row["codec"]]
    seen = [row for row in crops.rows if row["codec"]]
    assert len(pristine) == 1
    assert [row["at_s"] for row in seen] == sorted(row["at_s"] for row in seen)
    assert {row["kbps"] for row in seen} == {call_clips.FALL[0][1], call_clips.FALL[-1][1]}
    row = pristine[0]
    assert row["own_face_height"] == pytest.approx(row["face_height"] / footage.enlargement, abs=0.1)


def test_unusable_videos_are_refused(tmp_path: Path, detector: FaceDetector) -> None:
    """Something that is no video, and a folder without an index, say what to do."""
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match="no readable video"):
        call_clips.read_call(tmp_path / "no.mp4", detector)
    lost = CliRunner().invoke(command, ["--videos", str(tmp_path), "--cache", str(tmp_path)])
    assert lost.exit_code == 1
    assert "--videos" in lost.output
    (tmp_path / "index.csv").write_text("name\nx\n", encoding="utf-8")
    bad = CliRunner().invoke(command, ["--videos", str(tmp_path), "--cache", str(tmp_path)])
    assert bad.exit_code == 1
    assert "columns" in bad.output
