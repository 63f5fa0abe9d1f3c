from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.data.clips import Clip
from facegauge_training.data.degradation_chain import (
    Chain,
    Received,
    cut,
    exposure_factor,
    label,
    order_key,
    receive,
    transports,
)
from facegauge_training.data.full_reference import gmsd, vmaf


def test_labels_fall_as_a_call_gets_worse(clip: Clip) -> None:
    """Pristine is near 1; coding, blur, fewer lines and noise each lower the label, more when harsher."""
    ladders = (
        [Chain(codec="x264", quality=q) for q in (28, 40, 51)],
        [Chain(defocus=r) for r in (1.5, 5.0)],
        [Chain(lines=n) for n in (360, 180)],
        [Chain(noise=s) for s in (6, 30)],
        [Chain(stops=-s) for s in (2, 4)],
    )
    chains = [Chain(), *(chain for ladder in ladders for chain in ladder)]
    rng = np.random.default_rng(0)
    measured = transports([receive(clip, chain, rng) for chain in chains], clip.faces)
    labels = {chain: label(chain, *scores[2]) for chain, scores in zip(chains, measured, strict=True)}
    assert labels[Chain()] > 0.95
    for ladder in ladders:
        values = [labels[Chain()], *(labels[chain] for chain in ladder)]
        assert values == sorted(values, reverse=True), (ladder, values)


def test_a_received_frame_of_fewer_lines_is_cut_like_in_serving(clip: Clip) -> None:
    """The student's crop comes from the frame as received; a mixer's enlargement is an option."""
    rng = np.random.default_rng(0)
    small = receive(clip, Chain(lines=270), rng)
    large = receive(clip, Chain(lines=270, enlarged=True), rng)
    assert small.frames[0].shape[0] == 270
    assert large.frames[0].shape[0] == small.shown[0].shape[0] == 720
    assert cut(small.frames[0], clip.faces[0], 288, 384).shape == (384, 288, 3)


def test_noise_is_never_forgiven() -> None:
    """VMAF's 0.7 for a face drowned in noise does not become its label; without noise it would."""
    assert label(Chain(noise=40), 0.7, 0.2) <= 0.45
    assert label(Chain(codec="x264", quality=40), 0.7, 0.2) == 0.7


def test_ruins_are_still_ordered() -> None:
    """Where both labels are 0, VMAF below 0 and GMSD tell the worse; elsewhere the label decides."""
    ruin, worse = Chain(codec="x264", quality=43), Chain(codec="x264", quality=51)
    assert label(ruin, -0.02, 0.17) == label(worse, -0.06, 0.18) == 0
    assert order_key(ruin, -0.02, 0.17) > order_key(worse, -0.06, 0.18)
    assert order_key(ruin, 0.3, 0.2) > order_key(worse, 0.1, 0.15)


def test_a_frame_that_is_late_is_not_worse(clip: Clip) -> None:
    """Concealment that repeats a frame leaves it as good as it was; the same without the mark is punished."""
    late = [clip.frames[0], *clip.frames[:-1]]
    concealed = Received(late, late, clip.frames, concealed=True)
    plain = Received(late, late, clip.frames)
    forgiven, punished = transports([concealed, plain], clip.faces)
    assert forgiven[2][0] > 0.95 > punished[2][0]


def test_the_first_stop_down_is_free() -> None:
    """Dark skin in good light costs nothing; real darkness does, steadily."""
    assert exposure_factor(-1.0) == exposure_factor(0.0) == 1.0
    factors = [exposure_factor(-stops) for stops in (1, 2, 3, 4, 5, 6, 7, 9)]
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] == 0


def test_vmaf_and_gmsd_of_equal_pictures() -> None:
    """Equal clips score near 100 and deviate by 0; unequal lengths are refused."""
    picture = np.random.default_rng(0).integers(0, 255, (384, 288, 3)).astype(np.uint8)
    assert min(vmaf([picture] * 3, [picture] * 3)) > 95
    assert gmsd(picture, picture) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="references"):
        vmaf([picture], [picture] * 2)
