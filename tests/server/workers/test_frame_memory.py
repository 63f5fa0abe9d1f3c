"""Memory that the server and a worker share: whole frames, and no more pages than large frames need."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from facegauge_server.workers.frame_memory import KEPT_BYTES, FrameMemory, FrameMemoryView

BLOCK_BYTES = 512
"""Unit of `st_blocks`."""


@pytest.fixture
def memory() -> Iterator[FrameMemory]:
    made = FrameMemory()
    yield made
    made.close()


def taken_bytes(memory: FrameMemory) -> int:
    return os.fstat(memory.fd).st_blocks * BLOCK_BYTES


def test_frames_of_any_size_arrive(memory: FrameMemory) -> None:
    """The worker reads what the server wrote, also where the memory has grown or shrunk in between."""
    view = FrameMemoryView(memory.fd)
    for size in (3, KEPT_BYTES + 5, 100, 2 * KEPT_BYTES):
        frame = os.urandom(size)
        memory.write(memoryview(frame), 0)  # type: ignore[arg-type]
        assert view.bytes_of_frame(size) == frame


def test_a_small_frame_gives_back_what_large_ones_took(memory: FrameMemory) -> None:
    """Large frames find their pages there; the first smaller one frees those beyond what is kept."""
    large = bytes(3 * KEPT_BYTES)
    memory.write(large, 0)
    assert taken_bytes(memory) >= len(large)
    memory.write(large, 0)
    assert taken_bytes(memory) >= len(large)
    memory.write(b"small", 0)
    assert taken_bytes(memory) <= KEPT_BYTES
    assert memory.read(5) == b"small"
