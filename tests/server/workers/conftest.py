"""Pools of real processes that work on what the frames say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.types import EncodedFrame, Encoding
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings

SCRIPTED_WORK = "tests.server.workers.scripted_work"
PATIENCE_S = 60.0

MakePool = Callable[..., FrameWorkers]


@pytest.fixture
def make_pool() -> MakePool:
    """Makes pools that are not running yet."""

    def make(
        size: int = 2, frame_timeout_s: float = 2.0, precision: str = "f32", **more: Any
    ) -> FrameWorkers:
        settings = WorkSettings(load_student("default"), Limits(), scores=True, precision=precision)
        return FrameWorkers(size, settings, frame_timeout_s, work_module=SCRIPTED_WORK, **more)

    return make


def command(text: str, sequence: int = 0) -> EncodedFrame:
    """A frame that tells the scripted work what to do."""
    return EncodedFrame(sequence, 0.0, Encoding.RGB24, text.encode(), 1, 1)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what has no event, under a limit that says that it never comes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.002)


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_gone(pids: list[int]) -> None:
    """Wait until processes have ended, where no event loop runs."""
    deadline_s = time.monotonic() + PATIENCE_S
    while left := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline_s, f"still running: {left}"
        time.sleep(0.01)


def open_files() -> int:
    """How many file descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))
