"""The work of one frame is bounded, whatever its shape and whatever it shows."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from facegauge_server.config import Limits
from facegauge_server.frame_size import MAX_ASPECT_RATIO
from facegauge_server.stages.blaze_face import BlazeFace
from facegauge_server.stages.detection import Detection
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.passes import MAX_PASSES, FaceModels, Passes
from facegauge_server.types import Box, Pixels

LONGEST_PX = Limits().max_frame_side
NARROWEST_PX = round(LONGEST_PX / MAX_ASPECT_RATIO)
LARGEST_LINES = Limits().max_frame_pixels // LONGEST_PX


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with FaceDetector() as opened:
        yield opened


def cpu_s(detector: FaceDetector, pixels: Pixels, known: tuple[Box, ...]) -> float:
    """Processor time of a detection, all threads together; the least of three."""
    times = []
    for _ in range(3):
        started_s = time.process_time()
        detector.detect(pixels, known)
        times.append(time.process_time() - started_s)
    return min(times)


@pytest.mark.parametrize("known_faces", [0, 32])
@pytest.mark.parametrize(
    "size",
    [
        (LONGEST_PX, NARROWEST_PX),
        (NARROWEST_PX, LONGEST_PX),
        (LONGEST_PX, LARGEST_LINES),
        (4096, 2304),
        (8, 1),
    ],
)
def test_the_worst_shape_costs_a_few_ordinary_frames(
    detector: FaceDetector, size: tuple[int, int], known_faces: int
) -> None:
    """No frame within the limits takes more than 20 times the processor time of an empty one in 720 lines."""
    width, height = size
    noise = np.random.default_rng(5).integers(0, 255, (height, width, 3), dtype=np.uint8)
    known = tuple(Box(width * i / 40, height / 3, 9, 9) for i in range(known_faces))
    ordinary = np.full((720, 1280, 3), 90, np.uint8)
    assert cpu_s(detector, noise, known) < 20 * cpu_s(detector, ordinary, ())


def test_no_picture_takes_more_passes(detector: FaceDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every pass of a model sees a doubtful face, the passes still end at the limit."""
    made: list[tuple[int, ...]] = []
    run = BlazeFace.detect

    def doubtful(model: BlazeFace, pixels: Pixels) -> list[Detection]:
        made.append(pixels.shape)
        height, width = pixels.shape[:2]
        doubt = [Detection(Box(x, height / 3, 3, 3), 0.5) for x in range(0, width, max(4, width // 12))]
        return run(model, pixels) + doubt

    monkeypatch.setattr(BlazeFace, "detect", doubtful)
    detector.detect(np.full((100, 800, 3), 90, np.uint8), tuple(Box(20 * i, 50, 9, 9) for i in range(40)))
    assert MAX_PASSES - 1 <= len(made) <= MAX_PASSES, "the task's pass is not counted here"


def test_passes_beyond_the_limit_find_nothing() -> None:
    """Used up, every kind of pass returns at once."""
    models = FaceModels()
    passes = Passes(models, np.full((90, 160, 3), 90, np.uint8))
    for _ in range(MAX_PASSES + 5):
        assert passes.close_up(Box(10, 10, 20, 20)) is None
    assert passes.made == MAX_PASSES
    assert (passes.whole(), passes.full_range(), passes.squares()) == ([], [], [])
    assert passes.made == MAX_PASSES
    models.close()


def test_pictures_that_end_mediapipe_do_not() -> None:
    """A side of 32,767 px aborts the process in MediaPipe's task: the detector alone survives it too."""
    program = """
import numpy as np
from facegauge_server.stages.locate import FaceDetector
with FaceDetector() as detector:
    for shape in ((32, 32767), (32767, 32), (3, 65500), (1, 1), (1, 16), (16, 1), (2, 3)):
        assert detector.detect(np.zeros((*shape, 3), np.uint8)) == ()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_a_large_picture_has_its_face_in_place(detector: FaceDetector, astronaut: Pixels) -> None:
    """Reduced for MediaPipe's task, a picture of 17,000 px still gets boxes in its own pixels."""
    canvas = np.full((2048, 17_000, 3), 110, np.uint8)
    canvas[:, 3000:5048] = astronaut.repeat(4, axis=0).repeat(4, axis=1)
    boxes = detector.detect(canvas)
    assert any(box.iou(Box(3000 + 4 * 177, 4 * 66, 4 * 95, 4 * 95)) > 0.5 for box in boxes)
