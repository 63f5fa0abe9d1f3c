"""`python -m bench`: load the server with live calls and say what it costs."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from bench.frames import call_frames, video_frames
from bench.load import play_calls
from bench.report import Run, StraightLine, write_json, write_plot, write_table
from bench.server import Server, server_process
from bench.straight_line import write_frames

FRAMES = 40
WARM_UP_S = 2.0

EPILOG = """
Examples:

\b
  uv run --group dev python -m bench
  uv run --group dev python -m bench --streams 25,50,100 --json bench.json --plot bench.png
  uv run --group dev python -m bench --video call.mp4 --no-straight-line -- --workers 2

Flags behind -- go to facegauge-server.
"""


@click.command(context_settings={"show_default": True}, epilog=EPILOG)
@click.option("--streams", default="100", metavar="N[,N...]", help="Live streams at once, a run each.")
@click.option("--fps", default=2.0, help="Frames a second of each stream.")
@click.option("--seconds", default=20.0, help="Length of a run.")
@click.option("--rounds", default=1, help="How often all runs are made, in turn.")
@click.option(
    "--video",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Frames of this file, at 720 lines, instead of the demo's call.",
)
@click.option(
    "--straight-line/--no-straight-line", default=True, help="Time the pipeline one would write first."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
@click.option(
    "--plot", "plot_path", type=click.Path(path_type=Path), help="Draw latency and CPU here, as PNG."
)
@click.argument("server_flags", nargs=-1)
def main(
    streams: str,
    fps: float,
    seconds: float,
    rounds: int,
    video: Path | None,
    straight_line: bool,
    json_path: Path | None,
    plot_path: Path | None,
    server_flags: tuple[str, ...],
) -> None:
    """Load the server with live calls of 720p JPEG and say what it costs, beside a straight-line pipeline."""
    try:
        counts = [int(count) for count in streams.split(",")]
    except ValueError as error:
        raise click.BadParameter("wants whole numbers with commas between", param_hint="--streams") from error
    console = Console(stderr=True)
    with console.status("making frames"):
        frames = call_frames(FRAMES) if video is None else video_frames(video, FRAMES)
    runs: list[Run] = []
    straight: list[StraightLine] = []
    for round_number in range(rounds):
        for count in counts:
            with console.status(f"round {round_number + 1} of {rounds}: {count} streams at {fps:g} fps"):
                runs.append(_load(frames, count, fps, seconds, server_flags))
            if straight_line:
                with console.status("the straight line, over the same frames"):
                    straight.append(_straight_line(frames))
    write_table(runs, straight, Console())
    if json_path is not None:
        write_json(json_path, runs, straight)
    if plot_path is not None:
        write_plot(plot_path, runs)


def _load(frames: list[bytes], streams: int, fps: float, seconds: float, flags: tuple[str, ...]) -> Run:
    with server_process(*flags) as server:
        asyncio.run(play_calls(server.target, frames, min(streams, 4), fps, WARM_UP_S))
        before_cpu_s, before_stages = server.cpu_s(), server.stage_times()
        result = asyncio.run(play_calls(server.target, frames, streams, fps, seconds))
        cpu_s = server.cpu_s() - before_cpu_s
        return Run(
            streams=streams,
            held=streams - result.refused,
            fps=fps,
            p50_ms=result.percentile_ms(50),
            p95_ms=result.percentile_ms(95),
            p99_ms=result.percentile_ms(99),
            sent=result.sent,
            scored=result.scored,
            dropped=result.dropped,
            cpu_ms_a_frame=cpu_s * 1000 / max(1, result.scored),
            cpu_share=cpu_s / seconds,
            peak_memory_mib=server.peak_memory_bytes() / 2**20,
            least_share=result.least_share,
            stages_ms=_stage_means_ms(server, before_stages),
        )


def _stage_means_ms(server: Server, before: dict[str, tuple[float, float]]) -> dict[str, float]:
    means = {}
    for stage, (sum_s, count) in sorted(server.stage_times().items()):
        before_s, before_count = before.get(stage, (0.0, 0.0))
        means[stage] = (sum_s - before_s) * 1000 / max(1.0, count - before_count)
    return means


def _straight_line(frames: list[bytes]) -> StraightLine:
    packed = io.BytesIO()
    write_frames(frames, packed)
    command = (sys.executable, "-m", "bench.straight_line")
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=packed.getvalue(), capture_output=True, check=False
    )
    if done.returncode:
        reason = done.stderr.decode().strip().splitlines()[-1]
        raise click.ClickException(
            f"the straight line did not run ({reason}): it needs `uv run --group dev`, "
            "or leave it out with --no-straight-line"
        )
    figures = json.loads(done.stdout)
    return StraightLine(figures["cpu_ms"], figures["wall_ms"])


if __name__ == "__main__":
    main(prog_name="python -m bench")
