"""How many frames there were, by their numbers, however a client numbers them."""

from __future__ import annotations

import pytest

from facegauge_server.streams.numbering import Numbering


@pytest.mark.parametrize(
    ("numbers", "frames"),
    [
        ([0, 1, 2, 5, 6], [1, 1, 1, 3, 1]),
        ([7, 7, 7], [1, 1, 1]),
        ([0, 15, 30, 60], [1, 1, 1, 2]),
        ([0, 6, 11, 17, 23], [1, 1, 1, 1, 1]),
        ([2**32 - 2, 2**32 - 1, 0, 2], [1, 1, 1, 2]),
        ([100, 101, 0, 1], [1, 1, 1, 1]),
    ],
    ids=["left out", "not numbered", "every fifteenth", "unevenly", "wrapped", "begun anew"],
)
def test_frames_between_two_numbers(numbers: list[int], frames: list[int]) -> None:
    """One, but where a number is further from the last than others have been."""
    numbering = Numbering()
    assert [numbering.frames(number) for number in numbers] == frames
