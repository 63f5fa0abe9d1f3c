"""What it costs to work on frames in processes instead of threads.

    python -m bench.isolation                 # both in turns, with 1 and 2 workers; then the ways of a frame
    python -m bench.isolation --frames 400 --rounds 5 --workers 2 --json isolation.json

The same function works on the same frames, 720p JPEG of the demo's call: on threads of one process, as the
server did before, and in worker processes, as it does now. Both stand side by side and take turns, so that
what else the machine does hits both; compare ratios. Processor time and memory (PSS, in which shared pages
count once) are of the whole family of processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import click
import psutil
from rich.console import Console
from rich.table import Table

from bench.frames import call_frames
from bench.isolation_side import PROCESSES, SIDES, THREADS, Turn
from bench.naive_pipeline import write_frames
from bench.transport import CASES, WAYS, time_way

__all__ = ["main"]

FRAMES = 40


@dataclass(frozen=True, slots=True)
class Result:
    """One side with some workers, over all turns."""

    side: str
    workers: int
    cpu_ms_a_frame: float
    frames_a_second: float
    p50_ms: float
    p95_ms: float
    memory_mib: float
    processes: int
    replaced_s: list[float]
    """From `kill -9` of a worker to another one in its place."""


class _Side:
    """A process that works on frames when asked to."""

    def __init__(self, kind: str, workers: int, frames: Path) -> None:
        command = (sys.executable, "-m", "bench.isolation_side", kind, str(workers), str(frames))
        self.kind, self.workers = kind, workers
        self.turns: list[tuple[Turn, float]] = []
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._tell("ready?")

    def turn(self, frames: int) -> None:
        """Work on some frames."""
        before_s = self._cpu_s()
        turn = Turn(**self._tell(f"work {frames}"))
        self.turns.append((turn, (self._cpu_s() - before_s) * 1000 / frames))

    def result(self) -> Result:
        """Return the figures: medians over the turns."""
        family = self._family()
        memory = sum(process.memory_full_info().pss for process in family)
        replaced_s = self._tell("kill")["replaced_s"] if self.kind == PROCESSES else []
        return Result(
            side=self.kind,
            workers=self.workers,
            cpu_ms_a_frame=median(cpu_ms for _, cpu_ms in self.turns),
            frames_a_second=median(turn.frames_a_second for turn, _ in self.turns),
            p50_ms=median(turn.p50_ms for turn, _ in self.turns),
            p95_ms=median(turn.p95_ms for turn, _ in self.turns),
            memory_mib=memory / 2**20,
            processes=len(family),
            replaced_s=replaced_s,
        )

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _tell(self, text: str) -> dict[str, object]:
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise click.ClickException(f"the side with {self.kind} ended")
        answer: dict[str, object] = json.loads(line)
        return answer

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def _cpu_s(self) -> float:
        times = [process.cpu_times() for process in self._family()]
        return sum(one.user + one.system for one in times)


@click.command(context_settings={"show_default": True})
@click.option("--workers", default="1,2", metavar="N[,N...]", help="Threads or processes, a run each.")
@click.option("--frames", default=300, help="Of one turn.")
@click.option("--rounds", default=7, help="Turns of each side.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
def main(workers: str, frames: int, rounds: int, json_path: Path | None) -> None:
    """Compare threads with processes."""
    console = Console(width=110)
    results: list[Result] = []
    with _frames_file() as path:
        for count in (int(text) for text in workers.split(",")):
            with ExitStack() as stack:
                sides = [_Side(kind, count, path) for kind in SIDES]
                for side in sides:
                    stack.callback(side.close)
                    side.turn(frames)  # what is loaded late is loaded now
                    side.turns.clear()
                for number in range(rounds):
                    for side in sides if number % 2 else reversed(sides):
                        side.turn(frames)
                results += [side.result() for side in sides]
    _print_sides(console, results)
    ways = [(way, case, time_way(way, CASES[case])) for case in CASES for way in WAYS]
    _print_ways(console, ways)
    if json_path is not None:
        figures = {"sides": [asdict(result) for result in results], "ways_us": ways}
        json_path.write_text(json.dumps(figures, indent=2) + "\n")


@contextmanager
def _frames_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        with path.open("wb") as file:
            write_frames(call_frames(FRAMES), file)
        yield path


def _print_sides(console: Console, results: list[Result]) -> None:
    table = Table(title="Threads and processes, 720p JPEG")
    for name in ("workers", "side", "CPU ms/frame", "frames/s", "p50 ms", "p95 ms", "PSS MiB", "replaced s"):
        table.add_column(name, justify="right")
    for one in results:
        replaced = f"{median(one.replaced_s):.2f} (max {max(one.replaced_s):.2f})" if one.replaced_s else ""
        figures = (one.cpu_ms_a_frame, one.frames_a_second, one.p50_ms, one.p95_ms, one.memory_mib)
        table.add_row(str(one.workers), one.side, *(f"{figure:.1f}" for figure in figures), replaced)
    for threads, processes in zip(results[::2], results[1::2], strict=True):
        ratios = (
            processes.cpu_ms_a_frame / threads.cpu_ms_a_frame,
            processes.frames_a_second / threads.frames_a_second,
            processes.p50_ms / threads.p50_ms,
            processes.p95_ms / threads.p95_ms,
            processes.memory_mib / threads.memory_mib,
        )
        ratio = f"{PROCESSES} / {THREADS}"
        table.add_row(str(threads.workers), ratio, *(f"{one:.2f}" for one in ratios), style="bold")
    console.print(table)


def _print_ways(console: Console, ways: list[tuple[str, str, tuple[float, float]]]) -> None:
    table = Table(title="A frame's way to a worker and back, without any work")
    for name in ("frame", "way", "wall µs", "CPU µs, both ends"):
        table.add_column(name, justify="right")
    for way, case, (wall_us, cpu_us) in ways:
        table.add_row(case, way, f"{wall_us:.0f}", f"{cpu_us:.0f}")
    console.print(table)


if __name__ == "__main__":
    main(prog_name="python -m bench.isolation")
