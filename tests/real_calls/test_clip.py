"""The numbers in the clip, and the clip's loop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bench.real_call.clip import BITS, draw_number, read_number, write_portrait_clip


@pytest.mark.parametrize("lines", [180, 270, 360, 720])
def test_a_number_survives_a_small_picture_in_ruins(astronaut: npt.NDArray[np.uint8], lines: int) -> None:
    """Drawn at 720 lines, it is read at fewer, after a JPEG that leaves nothing of the face."""
    width = lines * 16 // 9
    for number in (0, 1, 2 ** (BITS - 1), 2**BITS - 1):
        picture = np.asarray(cv2.resize(astronaut, (1280, 720)), np.uint8)
        draw_number(picture, number)
        small = cv2.resize(picture, (width, lines), interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 8])
        assert read_number(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)) == number


def test_a_picture_without_a_number_has_none(astronaut: npt.NDArray[np.uint8]) -> None:
    """Nothing is read from what is no code."""
    assert read_number(astronaut) is None


def test_the_loop_has_no_cut_and_its_frames_are_numbered(tmp_path: Path) -> None:
    """Frames come there and back, so that the last differs from the first as little as any two neighbours."""
    path = tmp_path / "clip.y4m"
    shown = write_portrait_clip(path, lines=180, fps=10, seconds=3)
    assert [read_number(frame) for frame in shown] == [*range(30)]
    assert path.stat().st_size == len(b"YUV4MPEG2 W320 H180 F10:1 Ip A1:1 C420jpeg\n") + 30 * (6 + 86400)
    faces = [frame[:150].astype(float) for frame in shown]
    steps = [np.abs(a - b).mean() for a, b in zip(faces, [*faces[1:], faces[0]], strict=True)]
    assert max(steps) < 2 * np.median(steps)
