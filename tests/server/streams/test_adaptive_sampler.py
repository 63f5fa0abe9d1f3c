"""A steady stream is scored seldom, and at once when something changes."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.streams.adaptive_sampler import SteadySampler
from facegauge_server.types import EncodedFrame, Encoding


def coded(time_s: float, size: int = 10_000) -> EncodedFrame:
    return EncodedFrame(0, time_s, Encoding.JPEG, bytes(size))


def play(
    sampler: SteadySampler, qualities: list[float | None], fps: float, start_s: float = 0.0
) -> list[float]:
    """Return the capture times of the frames that are scored."""
    scored_s = []
    for index, quality in enumerate(qualities):
        time_s = start_s + index / fps
        if sampler.wants(coded(time_s)):
            sampler.taken(coded(time_s))
            scored_s.append(time_s)
            sampler.scored(quality, time_s)
    return scored_s


def test_without_a_least_rate_every_frame_is_scored() -> None:
    """0 switches it off."""
    assert len(play(SteadySampler(0), [0.8] * 50, 10)) == 50


def test_a_steady_stream_slows_down_to_the_least_rate() -> None:
    """The time between scored frames grows, up to what is allowed and no further."""
    times_s = play(SteadySampler(0.5), [0.8] * 300, 10)
    gaps_s = np.diff(times_s)
    assert gaps_s[0] <= 0.3
    assert np.all(np.diff(gaps_s) >= -1e-9), "growing"
    np.testing.assert_allclose(gaps_s[-5:], 2.0)
    assert len(times_s) < 25


def test_noise_is_steady() -> None:
    """What a face's own movement does to scores keeps nobody awake."""
    noisy = [0.7 + 0.012 * (-1) ** index for index in range(300)]
    assert len(play(SteadySampler(0.5), list(noisy), 10)) < 30


@pytest.mark.parametrize("moved_to", [0.6, None])
def test_a_score_that_moves_brings_every_frame_back(moved_to: float | None) -> None:
    """After one score that leaves the others, or a face that goes, frames are scored one by one."""
    sampler = SteadySampler(0.5)
    play(sampler, [0.8] * 200, 10)
    times_s = play(sampler, [moved_to] * 60, 10, start_s=20.0)
    assert times_s[0] <= 22.0, "within the least rate"
    assert times_s[1] - times_s[0] == pytest.approx(0.1)


@pytest.mark.parametrize("size", [8_000, 12_000])
def test_a_coded_frame_of_another_size_is_scored_at_once(size: int) -> None:
    """Detail that goes makes frames smaller, detail that comes makes them larger: no need to decode them."""
    sampler = SteadySampler(0.5)
    play(sampler, [0.8] * 200, 10)
    assert not sampler.wants(coded(20.0))
    assert sampler.wants(coded(20.1, size))


@pytest.mark.parametrize("encoding", [Encoding.I420, Encoding.NV12, Encoding.RGB24])
def test_a_raw_frame_of_another_picture_is_scored_at_once(encoding: Encoding) -> None:
    """Raw frames are as large as ever, so that their pixels are compared; noise is no other picture."""
    random = np.random.default_rng(4)
    size = 64 * 48 * 3 // (1 if encoding is Encoding.RGB24 else 2)
    picture = random.integers(0, 255, size)

    def frame(time_s: float, pixels: np.typing.NDArray[np.int64]) -> EncodedFrame:
        return EncodedFrame(0, time_s, encoding, pixels.clip(0, 255).astype(np.uint8).tobytes(), 64, 48)

    sampler = SteadySampler(0.5)
    for index in range(200):
        if sampler.wants(frame(index / 10, picture)):
            sampler.taken(frame(index / 10, picture))
            sampler.scored(0.8, index / 10)
    assert not sampler.wants(frame(20.0, picture + random.integers(-3, 4, size)))
    assert sampler.wants(frame(20.1, picture[::-1]))


def test_a_clock_that_goes_back_waits_for_nothing() -> None:
    """The frame is let through: it is the session that refuses it, with a reason."""
    sampler = SteadySampler(0.5)
    play(sampler, [0.8] * 100, 10)
    assert sampler.wants(coded(1.0))


def test_frames_without_bytes() -> None:
    """Empty frames are the decoder's to refuse."""
    for encoding in (Encoding.I420, Encoding.JPEG):
        sampler = SteadySampler(1.0)
        empty = EncodedFrame(0, 0.0, encoding, b"")
        assert sampler.wants(empty)
        sampler.taken(empty)
        assert sampler.wants(empty), "no score has said yet that it is steady"
