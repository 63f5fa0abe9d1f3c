from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.data.clips import FRAMES, LINES, Clip, make_clip
from facegauge_training.data.sources import read_picture, read_sources


def test_a_clip_moves_and_its_box_with_it(clip: Clip) -> None:
    """Frames differ, the box stays inside the picture and is call-like in size."""
    assert len(clip.frames) == len(clip.faces) == FRAMES
    assert not np.array_equal(clip.frames[0], clip.frames[-1])
    for frame, face in zip(clip.frames, clip.faces, strict=True):
        assert frame.shape[0] == LINES
        assert 150 <= face.height <= 430
        assert face.x > 0
        assert face.x + face.width < frame.shape[1]


def test_the_same_seed_films_the_same_clip(faces: Path) -> None:
    """Everything random about a clip comes from the generator handed in."""
    source = read_sources(faces, "train")[1]
    picture = read_picture(source.path)
    first, second = (make_clip(picture, source.face, np.random.default_rng(3)) for _ in range(2))
    assert first.faces == second.faces
    assert all(np.array_equal(a, b) for a, b in zip(first.frames, second.frames, strict=True))
