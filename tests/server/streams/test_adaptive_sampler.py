"""A steady stream is scored rarely, and at once when something changes."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.types import EncodedFrame, Encoding


def coded(time_s: float, size: int = 10_000) -> EncodedFrame:
    return EncodedFrame(0, time_s, Encoding.JPEG, bytes(size))


def is_wanted(sampler: AdaptiveSampler, frame: EncodedFrame) -> bool:
    """Whether a frame that arrives at its capture time is to be scored at once."""
    return sampler.ready_s(frame, frame.capture_time_s) <= frame.capture_time_s


def play(
    sampler: AdaptiveSampler, qualities: list[float | None], fps: float, start_s: float = 0.0
) -> list[float]:
    """Return the capture times of the frames that are scored."""
    scored_s = []
    for index, quality in enumerate(qualities):
        time_s = start_s + index / fps
        if is_wanted(sampler, coded(time_s)):
            sampler.take(coded(time_s), time_s)
            scored_s.append(time_s)
            sampler.scored(quality, time_s)
    return scored_s


def test_without_a_least_rate_every_frame_is_scored() -> None:
    """0 switches it off."""
    assert len(play(AdaptiveSampler(0), [0.8] * 50, 10)) == 50


def test_a_steady_stream_slows_down_to_the_least_rate() -> None:
    """The time between scored frames grows, up to what is allowed and no further."""
    times_s = play(AdaptiveSampler(0.5), [0.8] * 300, 10)
    gaps_s = np.diff(times_s)
    assert gaps_s[0] <= 0.3
    assert np.all(np.diff(gaps_s) >= -1e-9), "growing"
    np.testing.assert_allclose(gaps_s[-5:], 2.0)
    assert len(times_s) < 25


def test_noise_is_steady() -> None:
    """What a face's own movement does to scores keeps nobody awake."""
    noisy = [0.7 + 0.012 * (-1) ** index for index in range(300)]
    assert len(play(AdaptiveSampler(0.5), list(noisy), 10)) < 30


@pytest.mark.parametrize("moved_to", [0.6, None])
def test_a_score_that_moves_brings_every_frame_back(moved_to: float | None) -> None:
    """After one score that leaves the others, or a face that goes, frames are scored one by one."""
    sampler = AdaptiveSampler(0.5)
    play(sampler, [0.8] * 200, 10)
    times_s = play(sampler, [moved_to] * 60, 10, start_s=20.0)
    assert times_s[0] <= 22.0, "within the least rate"
    assert times_s[1] - times_s[0] == pytest.approx(0.1)


@pytest.mark.parametrize("size", [8_000, 12_000])
def test_a_coded_frame_of_another_size_is_scored_at_once(size: int) -> None:
    """Detail that goes makes frames smaller, detail that comes makes them larger: no need to decode them."""
    sampler = AdaptiveSampler(0.5)
    play(sampler, [0.8] * 200, 10)
    assert not is_wanted(sampler, coded(20.0))
    assert is_wanted(sampler, coded(20.1, size))


@pytest.mark.parametrize("encoding", [Encoding.I420, Encoding.NV12, Encoding.RGB24])
def test_a_raw_frame_of_another_picture_is_scored_at_once(encoding: Encoding) -> None:
    """Raw frames are as large as ever, so that their pixels are compared; noise is no other picture."""
    random = np.random.default_rng(4)
    size = 64 * 48 * 3 // (1 if encoding is Encoding.RGB24 else 2)
    picture = random.integers(0, 255, size)

    def frame(time_s: float, pixels: np.typing.NDArray[np.int64]) -> EncodedFrame:
        return EncodedFrame(0, time_s, encoding, pixels.clip(0, 255).astype(np.uint8).tobytes(), 64, 48)

    sampler = AdaptiveSampler(0.5)
    for index in range(200):
        if is_wanted(sampler, frame(index / 10, picture)):
            sampler.take(frame(index / 10, picture), index / 10)
            sampler.scored(0.8, index / 10)
    assert not is_wanted(sampler, frame(20.0, picture + random.integers(-3, 4, size)))
    assert is_wanted(sampler, frame(20.1, picture[::-1]))


def test_a_clock_that_goes_back_waits_for_nothing() -> None:
    """The frame is let through: it is the session that refuses it, with a reason."""
    sampler = AdaptiveSampler(0.5)
    play(sampler, [0.8] * 100, 10)
    assert is_wanted(sampler, coded(1.0))


def test_a_frame_that_nothing_follows_is_ready_after_the_interval() -> None:
    """On the server's clock, whatever the capture times say; long enough for the next of a stream to come."""
    sampler = AdaptiveSampler(0.5)
    play(sampler, [0.8] * 181, 10)  # the last scored frame is that of 18.0 s or later
    sampler.take(coded(18.1), 1000.0)
    sampler.scored(0.8, 18.1)
    assert 1002.0 < sampler.ready_s(coded(18.2), 1000.1) <= 1002.25
    assert sampler.ready_s(coded(18.2), 1005.0) == 1005.0, "at once, if the interval is over already"


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), -1e12, 1e12])
def test_a_broken_time_breaks_nothing(time_s: float) -> None:
    """A frame whose capture time is nonsense is not held, and frames after it are sampled again."""
    sampler = AdaptiveSampler(0.5)
    play(sampler, [0.8] * 100, 10)
    if time_s != 1e12:
        assert sampler.ready_s(coded(time_s), 10.0) == 10.0
    sampler.take(coded(time_s), 10.0)
    sampler.scored(None, time_s)
    assert len(play(sampler, [0.8] * 300, 10, start_s=20.0)) < 60


def test_frames_without_bytes() -> None:
    """Empty frames are the decoder's to refuse."""
    for encoding in (Encoding.I420, Encoding.JPEG):
        sampler = AdaptiveSampler(1.0)
        empty = EncodedFrame(0, 0.0, encoding, b"")
        assert is_wanted(sampler, empty)
        sampler.take(empty, 0.0)
        assert is_wanted(sampler, empty), "no score has said yet that it is steady"
