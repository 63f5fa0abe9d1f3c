"""Well-behaved live calls, played by a process of their own: what no attack may spoil."""

from __future__ import annotations

import asyncio
import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.frames import call_frames
from bench.load import play_calls

__all__ = ["GoodCalls", "Player", "good_calls_player"]

STREAMS = 10
FPS = 2.0
MEANWHILE_S = 0.05
LIMIT_S = 60.0
"""How much longer than they last the calls may take to end."""


@dataclass(frozen=True, slots=True)
class GoodCalls:
    """What ten live streams of 720p JPEG at 2 frames a second saw."""

    sent: int
    answered: int
    p50_ms: float
    p95_ms: float
    refused: int
    """Streams that were not accepted."""

    @property
    def unanswered_share(self) -> float:
        """Share of the frames sent that no assessment answered, 0-1."""
        return 1 - self.answered / self.sent if self.sent else 1.0


class Player:
    """Plays calls when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def play(self, duration_s: float, meanwhile: Callable[[], None] = lambda: None) -> GoodCalls:
        """Play ten calls for a time, calling `meanwhile` again and again; TimeoutError where they go on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{duration_s}\n")
        self._process.stdin.flush()
        give_up_s = time.monotonic() + duration_s + LIMIT_S
        while not select.select([self._process.stdout], [], [], MEANWHILE_S)[0]:
            meanwhile()
            if time.monotonic() > give_up_s:
                raise TimeoutError(f"calls of {duration_s:g} s have not ended {LIMIT_S:g} s later")
        return GoodCalls(**json.loads(self._process.stdout.readline()))


@contextmanager
def good_calls_player(target: str) -> Iterator[Player]:
    """Start the process that plays calls against a server."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.under_fire.good_calls", target],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as process:
        try:
            yield Player(process)
        finally:
            process.kill()


def main(target: str) -> None:
    """Play calls for each duration that a line of standard input says; print what they saw as JSON."""
    frames = call_frames(8)
    for line in sys.stdin:
        result = asyncio.run(play_calls(target, frames, STREAMS, FPS, float(line)))
        latencies_ms = [latency_s * 1000 for latency_s in result.latencies_s] or [float("inf")]
        p50_ms, p95_ms = np.percentile(latencies_ms, (50, 95)).tolist()
        seen = GoodCalls(result.sent, len(result.latencies_s), p50_ms, p95_ms, result.refused)
        sys.stdout.write(json.dumps(asdict(seen)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
