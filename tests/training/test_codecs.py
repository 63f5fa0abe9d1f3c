from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.clips import Clip
from facegauge_training.codecs import CODECS, transcode


@pytest.mark.parametrize("codec", CODECS)
def test_a_harsher_quality_is_further_from_the_source(clip: Clip, codec: str) -> None:
    """Each codec gives every frame back, in order, and its worst quality harms most."""
    best, worst = CODECS[codec][1:]
    harm = []
    for quality in (best, worst):
        received = transcode(clip.frames, codec, quality)
        assert [frame.shape for frame in received] == [frame.shape for frame in clip.frames]
        errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(received, clip.frames, strict=True)]
        harm.append(np.mean(errors[2:]))
    assert harm[0] < harm[1]
    assert harm[0] < 6
