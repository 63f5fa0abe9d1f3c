from __future__ import annotations

import os

import numpy as np
import pytest

from facegauge_training.data.clips import Clip
from facegauge_training.data.codecs import CODECS, transcode


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


def test_lost_packets_are_concealed(clip: Clip) -> None:
    """A lossy link gives every frame back, the first one whole, and some of the later ones harmed."""
    whole = transcode(clip.frames, "x264", 28)
    lossy = transcode(clip.frames, "x264", 28, 0.5, np.random.default_rng(1))
    harm = [np.abs(a.astype(int) - b).mean() for a, b in zip(lossy, whole, strict=True)]
    assert harm[0] < 1.5  # other slices, other choices of the encoder
    assert harm[-1] > 1.3 * harm[0]  # what is lost harms the frames that build on it


def test_a_recording_looks_ahead(clip: Clip) -> None:
    """With B frames the frames still come back all and in order, coded otherwise than in a call."""
    call, recording = (transcode(clip.frames, "x264", 40, recording=ahead) for ahead in (False, True))
    assert len(recording) == len(clip.frames)
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(recording, clip.frames, strict=True)]
    assert max(errors) < 12
    assert any(not np.array_equal(a, b) for a, b in zip(call, recording, strict=True))


def test_only_x264_can_lose_packets(clip: Clip) -> None:
    """A codec that sends frames whole has nothing to conceal, and says so."""
    with pytest.raises(ValueError, match="x264"):
        transcode(clip.frames, "vp8", 28, 0.5, np.random.default_rng(1))


@pytest.mark.parametrize("codec", CODECS)
def test_others_on_the_machine_keep_their_share(clip: Clip, codec: str) -> None:
    """An encoder leaves the process no priority over others (SVT-AV1 takes the highest if run as root)."""
    before = os.sched_getscheduler(0)
    transcode(clip.frames, codec, CODECS[codec][2])
    assert os.sched_getscheduler(0) == before
