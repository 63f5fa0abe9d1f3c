"""Batches of all streams' crops: in order, never too large, never late, nothing of those who left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegauge_server.scoring.batcher import Batcher
from facegauge_server.types import Batch, Box, FaceBox, FaceCrop


def crop(value: int) -> FaceCrop:
    """A crop that can be told from others."""
    return FaceCrop(FaceBox(1, Box(0, 0, 50, 50)), np.full((4, 3, 3), value, np.uint8))


def take(batcher: Batcher, now_s: float) -> Batch:
    """Take a batch that must be there."""
    batch = batcher.take(now_s)
    assert batch is not None
    return batch


def test_nothing_waits_when_no_wait_is_allowed() -> None:
    """max_wait_s=0: whatever is there goes at once, together."""
    batcher = Batcher(max_batch=8, max_wait_s=0)
    assert batcher.take(5.0) is None
    assert batcher.deadline_s is None
    tickets = [batcher.add(crop(value), 5.0) for value in (1, 2, 3)]
    batch = take(batcher, 5.0)
    assert list(batch.tickets) == tickets
    assert batch.pixels.shape == (3, 4, 3, 3)
    assert batch.pixels[:, 0, 0, 0].tolist() == [1, 2, 3], "each crop stands under its own ticket"
    assert len(batcher) == 0


def test_a_batch_goes_when_its_oldest_crop_is_due() -> None:
    """The wait counts from the first crop, not from the last."""
    batcher = Batcher(max_batch=8, max_wait_s=0.01)
    batcher.add(crop(1), 1.0)
    batcher.add(crop(2), 1.009)
    assert batcher.deadline_s == pytest.approx(1.01)
    assert batcher.take(1.0099) is None
    assert len(take(batcher, 1.01).tickets) == 2


def test_a_full_batch_does_not_wait() -> None:
    """As many as fit go at once; the rest keeps its own deadline."""
    batcher = Batcher(max_batch=2, max_wait_s=10)
    tickets = [batcher.add(crop(value), float(value)) for value in range(3)]
    assert list(take(batcher, 2.0).tickets) == tickets[:2]
    assert batcher.take(2.0) is None
    assert batcher.deadline_s == 12.0


def test_the_crops_of_a_stream_that_left_are_not_scored() -> None:
    """Discarded tickets vanish, in the middle too; unknown and taken ones are ignored."""
    batcher = Batcher(max_batch=8, max_wait_s=0)
    first, second, third = (batcher.add(crop(value), 0.0) for value in range(3))
    batcher.discard([second, 999])
    batch = take(batcher, 0.0)
    assert batch.tickets == (first, third)
    assert batch.pixels[:, 0, 0, 0].tolist() == [0, 2]
    batcher.discard([first])
    assert batcher.take(1.0) is None


@given(st.lists(st.one_of(st.none(), st.floats(0, 0.02)), max_size=60), st.integers(1, 5), st.floats(0, 0.05))
def test_every_crop_goes_once_in_order_and_in_time(
    events: list[float | None], max_batch: int, max_wait_s: float
) -> None:
    """Whatever the arrivals (None: a look at the queue), order holds and no deadline is missed by `take`."""
    batcher = Batcher(max_batch, max_wait_s)
    now_s = 0.0
    added: list[int] = []
    taken: list[int] = []
    for event in events:
        if event is not None:
            now_s += event
            added.append(batcher.add(crop(len(added) % 250), now_s))
            continue
        due = batcher.deadline_s is not None and batcher.deadline_s <= now_s
        full = len(batcher) >= max_batch
        batch = batcher.take(now_s)
        assert (batch is not None) == (due or full)
        if batch is not None:
            assert len(batch.tickets) <= max_batch
            taken += batch.tickets
    while (batch := batcher.take(now_s + max_wait_s + 1)) is not None:
        taken += batch.tickets
    assert taken == added
