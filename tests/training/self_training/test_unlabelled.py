"""Faces without labels: photos and moments of videos, cut as serving cuts."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Box
from facegauge_training.self_training.unlabelled import (
    Video,
    film_video,
    moment_key,
    read_videos,
    serving_crop,
)


def test_a_video_gives_moments_cut_as_serving_cuts(portrait_jpeg: bytes, tmp_path: Path) -> None:
    """The detector finds the face; its crop is serving's; a portrait video becomes a square of 720 lines."""
    still = cv2.imdecode(np.frombuffer(portrait_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    bgr = cv2.copyMakeBorder(still, 100, 200, 0, 0, cv2.BORDER_REFLECT)
    tall = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = tall.shape[1], tall.shape[0], "yuv420p"
        for _ in range(20):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(tall), format="rgb24"))
            )
        container.mux(stream.encode())
    (tmp_path / "index.csv").write_text("file,repo,fps,duration_s\na.mp4,someone/talks,25.0,0.8\n")
    [video] = read_videos(tmp_path)
    with FaceDetector() as detector:
        found = dict(film_video(video, 2, {0, 1}, detector))
        [face] = detector.detect(tall)
    assert found[0] is not None
    assert found[0].key == moment_key(video, 0)
    assert found[0].clip.frames[0].shape == (720, 720, 3)
    box, share = found[0].clip.faces[0], 720 / 768
    assert face.iou(Box(box.x / share, box.y / share, box.width / share, box.height / share)) > 0.9
    assert np.abs(found[0].crop.astype(int) - serving_crop(tall, face)).mean() < 15  # coded, a few px off
    with pytest.raises(Exception, match=r"restore it"), FaceDetector() as detector:
        list(film_video(Video(tmp_path / "index.csv", "r", 20), 1, {0}, detector))
