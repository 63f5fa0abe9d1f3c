"""Units of real coded video become the pictures that were encoded, and nothing else is taken for one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.coded_types import Pick, Unit, UnitOutcome, UnitRun
from facegauge_server.stages.decode_video import VideoDecoder
from facegauge_server.stages.video_pixels import rgb_pixels
from facegauge_server.streams.coded.unit_header import read_unit_header
from facegauge_server.types import EncodedFrame, Encoding
from tests.coded_video import CODED, L1T3_LAYERS, encode_units, encode_vp8_layers, moving

COUNT = 12
DECODED, FAILED, NOT_DECODED = UnitOutcome.DECODED, UnitOutcome.FAILED, UnitOutcome.NOT_DECODED


@pytest.fixture(scope="module")
def pictures(astronaut: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    return list(moving(astronaut, COUNT, 320, 240))


def as_units(encoding: Encoding, coded: list[bytes]) -> list[Unit]:
    units = []
    for number, data in enumerate(coded):
        is_key = read_unit_header(encoding, data).is_key
        frame = EncodedFrame(number, number / 30, encoding, data)
        units.append(Unit(frame, is_key, starts=number == 0))
    return units


def decoder() -> VideoDecoder:
    return VideoDecoder(4096 * 2304, 8192)


def run_of(
    units: list[Unit], pick: Pick = Pick.NEWEST, due_s: float = -math.inf, after_s: float = -math.inf
) -> UnitRun:
    return UnitRun(tuple(units), pick, due_s, after_s)


@pytest.mark.parametrize("encoding", CODED)
def test_the_newest_picture_of_a_run_is_picked(
    encoding: Encoding, pictures: list[npt.NDArray[np.uint8]]
) -> None:
    """All units are decoded, the last one's picture comes with its own number and time, and looks like it."""
    units = as_units(encoding, encode_units(encoding, pictures))
    assert [unit.is_key for unit in units] == [True] + [False] * (COUNT - 1)
    one = decoder()
    first, picture = one.decode(run_of(units[:5]))
    assert (first.outcomes, first.picture, first.skipped) == ((DECODED,) * 5, (4, 4 / 30), 4)
    second, picture = one.decode(run_of(units[5:]))
    assert picture is not None
    assert (second.outcomes, second.picture) == ((DECODED,) * (COUNT - 5), (COUNT - 1, (COUNT - 1) / 30))
    error = rgb_pixels(picture.frame).astype(float) - pictures[-1]
    assert np.sqrt(np.mean(error**2)) < 12


@pytest.mark.parametrize("encoding", CODED)
def test_a_damaged_unit_ends_the_chain_up_to_a_keyframe(
    encoding: Encoding, pictures: list[npt.NDArray[np.uint8]]
) -> None:
    """What follows would be decoded by FFmpeg, and shown: it is not. A keyframe begins anew at once."""
    units = as_units(encoding, encode_units(encoding, pictures, keyframe_interval=8))
    if not units[8].is_key:
        pytest.skip("the encoder set its keyframes elsewhere")
    data = b"\x00\x00\x01\x01 none of anyone's video" * 9
    if encoding is Encoding.AV1:  # whose decoder passes over OBUs that it does not know
        data = units[3].frame.data[:5] + b"\x7f" * (len(units[3].frame.data) - 5)
    damaged = EncodedFrame(3, 0.1, encoding, data)
    units[3] = Unit(damaged, is_key=False)
    decoded, picture = decoder().decode(run_of(units))
    assert decoded.outcomes == (DECODED,) * 3 + (FAILED,) + (NOT_DECODED,) * 4 + (DECODED,) * 4
    assert f"unit 3: it cannot be decoded as {encoding.name}" in decoded.fault
    assert not decoded.is_broken
    assert picture is not None
    assert picture.sequence == COUNT - 1
    broken, picture = decoder().decode(run_of(units[:8]))
    assert broken.is_broken
    assert picture is not None
    assert picture.sequence == 2  # the last that was whole


def test_a_unit_that_refers_to_what_failed_is_not_shown(pictures: list[npt.NDArray[np.uint8]]) -> None:
    """A decoder that has been told of no keyframe decodes nothing."""
    units = as_units(Encoding.VP8, encode_units(Encoding.VP8, pictures))
    decoded, picture = decoder().decode(run_of(units[1:]))
    assert set(decoded.outcomes) == {NOT_DECODED}
    assert (decoded.is_broken, picture) == (True, None)


def test_pictures_are_picked_on_a_grid_of_capture_times(pictures: list[npt.NDArray[np.uint8]]) -> None:
    """The oldest that is due is picked, those before it are skipped, those after it wait."""
    units = as_units(Encoding.VP9, encode_units(Encoding.VP9, pictures))
    one = decoder()
    decoded, _ = one.decode(run_of(units, Pick.DUE, due_s=0.1))
    assert (decoded.picture, decoded.skipped, decoded.waiting) == ((3, 0.1), 3, COUNT - 4)
    decoded, _ = one.decode(run_of([], Pick.DUE, due_s=0.3))
    assert (decoded.picture, decoded.skipped, decoded.waiting) == ((9, 0.3), 5, COUNT - 10)


def test_reordered_pictures_come_in_the_order_of_display(pictures: list[npt.NDArray[np.uint8]]) -> None:
    """B-frames: none is lost, and those that the decoder holds come at the end."""
    coded = encode_units(Encoding.H264, pictures, options={"preset": "fast", "tune": "animation", "bf": "2"})
    one, seen = decoder(), []
    for number, unit in enumerate(as_units(Encoding.H264, coded)):
        decoded, _ = one.decode(UnitRun((unit,), Pick.DUE, ends=number == COUNT - 1))
        seen.append(decoded.picture)
    while decoded.waiting:
        decoded, _ = one.decode(UnitRun((), Pick.DUE, ends=True))
        seen.append(decoded.picture)
    assert len([one for one in seen if one is not None]) == COUNT
    assert seen[0] is None


def test_the_base_layer_alone_is_the_same_as_among_the_others(
    pictures: list[npt.NDArray[np.uint8]],
) -> None:
    """VP8 L1T3: leaving out the upper layers changes no bit of the base layer's pictures."""
    units = as_units(Encoding.VP8, encode_vp8_layers(pictures))
    layers = [L1T3_LAYERS[number % 4] for number in range(COUNT)]
    last = max(number for number, layer in enumerate(layers) if layer == 0)
    _, among_all = decoder().decode(run_of(units[: last + 1]))
    base = [unit for unit, layer in zip(units[: last + 1], layers, strict=False) if layer == 0]
    decoded, alone = decoder().decode(run_of(base))
    assert set(decoded.outcomes) == {DECODED}
    assert among_all is not None
    assert alone is not None
    assert np.array_equal(rgb_pixels(alone.frame), rgb_pixels(among_all.frame))


def test_a_resolution_that_jumps_is_refused(astronaut: npt.NDArray[np.uint8]) -> None:
    """Each unit a keyframe of another size: after four changes in a second the next one is not decoded."""
    now_s = [100.0]
    keys = []
    for number in range(8):
        (data,) = encode_units(Encoding.VP8, moving(astronaut, 1, 64 + 16 * number, 64))
        keys.append(Unit(EncodedFrame(number, 0.0, Encoding.VP8, data), is_key=True, starts=number == 0))
    one = VideoDecoder(4096 * 2304, 8192, clock=lambda: now_s[-1])
    decoded, picture = one.decode(run_of(keys))
    assert decoded.outcomes == (DECODED,) * 5 + (FAILED,) * 3
    assert "unit 5: the resolution changed 4 times within 1 s: hold it for longer" in decoded.fault
    assert picture is not None
    now_s.append(101.5)
    decoded, _ = one.decode(run_of([Unit(keys[7].frame, is_key=True, starts=True)]))
    assert decoded.outcomes == (DECODED,)


@pytest.mark.parametrize("encoding", CODED)
def test_a_picture_that_is_too_large_is_never_made(
    encoding: Encoding, pictures: list[npt.NDArray[np.uint8]]
) -> None:
    """The decoder itself refuses it, and the answer names the flag."""
    units = as_units(encoding, encode_units(encoding, pictures))
    decoded, picture = VideoDecoder(320 * 240 - 1, 8192).decode(run_of(units))
    assert decoded.outcomes == (FAILED,) + (NOT_DECODED,) * (COUNT - 1)
    assert "(--max-frame-pixels)" in decoded.fault
    assert picture is None


def test_a_capture_time_that_goes_back_scores_nothing(pictures: list[npt.NDArray[np.uint8]]) -> None:
    """The answer says from where to where."""
    units = as_units(Encoding.H264, encode_units(Encoding.H264, pictures))
    decoded, picture = decoder().decode(run_of(units[:1], after_s=7.0))
    assert "capture_time_s went back from 7 to 0" in decoded.fault
    assert (decoded.picture, picture, decoded.is_broken) == (None, None, False)
