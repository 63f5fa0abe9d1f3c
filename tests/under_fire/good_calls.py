"""Well-behaved live calls, played by a process of their own: what no attack may spoil."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.frames import call_frames
from bench.load import play_calls

__all__ = ["GoodCalls", "start_good_calls"]

STREAMS = 10
FPS = 2.0


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


class Playing:
    """Calls that are being played."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def is_playing(self) -> bool:
        """Whether calls still go on."""
        return self._process.poll() is None

    def result(self, timeout_s: float) -> GoodCalls:
        """Wait until they are over; raises subprocess.TimeoutExpired where the server leaves them hanging."""
        try:
            output, _ = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        return GoodCalls(**json.loads(output))


def start_good_calls(target: str, duration_s: float) -> Playing:
    """Play ten calls against a server for a time."""
    command = [sys.executable, "-m", "tests.under_fire.good_calls", target, str(duration_s)]
    root = Path(__file__).parents[2]
    return Playing(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root))


def main(target: str, duration_s: str) -> None:
    """Play the calls and print what they saw as JSON."""
    result = asyncio.run(play_calls(target, call_frames(8), STREAMS, FPS, float(duration_s)))
    latencies_ms = [latency_s * 1000 for latency_s in result.latencies_s] or [float("inf")]
    p50_ms, p95_ms = np.percentile(latencies_ms, (50, 95)).tolist()
    seen = GoodCalls(result.sent, len(result.latencies_s), p50_ms, p95_ms, result.refused)
    sys.stdout.write(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
