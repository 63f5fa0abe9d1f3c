"""The bench's figures as a table, as JSON and as a plot."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.naive_pipeline import Detector

__all__ = ["NaiveRun", "Run", "write_json", "write_plot", "write_table"]

_COLUMNS = (
    *("frames", "calls", "fps", "p50", "p95", "p99 ms", "scored", "drops", "min fair\nshare"),
    *("CPU ms", "cores", "MiB"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One load on the server."""

    source: str
    """What the frames are: `jpeg`, or a name of `bench.coded.CODED_CALLS`."""
    streams: int
    """Asked for."""
    held: int
    """Taken by the server."""
    fps: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    sent: int
    scored: int
    dropped: int
    cpu_ms_a_frame: float
    """The server's processor time per scored frame."""
    cpu_share: float
    """Share of one core."""
    peak_memory_mib: float
    min_fair_share: float
    """Scored frames of the worst stream over the mean stream's: 1 is fair."""
    stages_ms: dict[str, float]
    """Mean time of each stage."""
    stages_ms_a_call_second: dict[str, float]
    """Time of each stage in a second of one call; those of work are processor time on an idle machine."""


@dataclass(frozen=True, slots=True)
class NaiveRun:
    """The naive pipeline over the same frames."""

    detector: Detector
    faces_a_frame: float
    cpu_ms_a_frame: float
    wall_ms_a_frame: float


def write_table(runs: list[Run], naive_runs: list[NaiveRun], console: Console) -> None:
    """Print a row for each load, and the ratio to the naive pipeline."""
    console.print(
        "Latency from send to assessment; minimum fair share (scored frames of the worst stream over the "
        "mean of all); CPU time per scored frame and in cores; peak memory:"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="right", vertical="bottom")
    for run in runs:
        held = f"{run.held}" if run.held == run.streams else f"{run.held} of {run.streams}"
        table.add_row(
            run.source,
            held,
            f"{run.fps:g}",
            f"{run.p50_ms:.0f}",
            f"{run.p95_ms:.0f}",
            f"{run.p99_ms:.0f}",
            f"{run.scored}",
            f"{run.dropped}",
            f"{run.min_fair_share:.2f}",
            f"{run.cpu_ms_a_frame:.2f}",
            f"{run.cpu_share:.2f}",
            f"{run.peak_memory_mib:.0f}",
        )
    console.print(table)
    for source in dict.fromkeys(run.source for run in runs):
        same_source = [run for run in runs if run.source == source]
        _write_stages("mean ms a stage", source, [run.stages_ms for run in same_source], console)
        of_calls = [run.stages_ms_a_call_second for run in same_source]
        _write_stages("ms a second of one call", source, of_calls, console)
    ours_ms = median(run.cpu_ms_a_frame for run in runs if run.source == runs[0].source)
    for detector in dict.fromkeys(run.detector for run in naive_runs):
        same = [run for run in naive_runs if run.detector == detector]
        theirs_ms = median(run.cpu_ms_a_frame for run in same)
        console.print(
            f"naive pipeline ({detector}): {theirs_ms:.2f} CPU ms a frame of {same[0].faces_a_frame:.2f} "
            f"faces; the server takes {ours_ms / theirs_ms:.0%} of its CPU time "
            f"(medians of {len(runs)} and {len(same)} runs in turn)"
        )


def _write_stages(what: str, source: str, stages: list[dict[str, float]], console: Console) -> None:
    medians = {stage: median(one.get(stage, 0.0) for one in stages) for stage in stages[0]}
    shown = ", ".join(f"{stage} {ms:.2f}" for stage, ms in medians.items() if ms)
    console.print(f"{what} ({source}): {shown}")


def write_json(path: Path, runs: list[Run], naive_runs: list[NaiveRun]) -> None:
    """Write all figures."""
    figures = {"runs": [asdict(run) for run in runs], "naive_pipeline": [asdict(run) for run in naive_runs]}
    path.write_text(json.dumps(figures, indent=2) + "\n")


def write_plot(path: Path, runs: list[Run]) -> None:
    """Draw latency and processor time against the number of streams."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ordered = sorted(runs, key=lambda run: run.streams)
    streams = [run.streams for run in ordered]
    figure, (latency, cpu) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        latency.plot(streams, [getattr(run, name) for run in ordered], "o-", label=name.removesuffix("_ms"))
    latency.set(xlabel="live streams", ylabel="send to assessment, ms", ylim=(0, None))
    latency.legend()
    cpu.plot(streams, [run.cpu_ms_a_frame for run in ordered], "o-")
    cpu.set(xlabel="live streams", ylabel="server CPU ms a scored frame", ylim=(0, None))
    figure.savefig(path, dpi=150)
    plt.close(figure)
