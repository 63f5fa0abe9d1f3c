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

from bench.coded import CODED_CALLS, CodedCall, coded_call
from bench.frames import call_frames, video_frames
from bench.load import play_calls
from bench.naive_pipeline import DETECTORS, Detector, write_frames
from bench.report import NaiveRun, Run, write_json, write_plot, write_table
from bench.server import Server, server_process

WARM_UP_S = 2.0

EPILOG = """
Examples:

\b
  uv run --group dev python -m bench
  uv run --group dev python -m bench --streams 25,50,100 --json bench.json --plot bench.png
  uv run --group dev python -m bench --coded vp8-l1t3 --coded h264 --streams 36,60
  uv run --group dev python -m bench --rounds 5 --streams 40 --naive both
  uv run --group dev python -m bench --video call.mp4 --naive none -- --workers 2

Flags behind -- go to facegauge-server.
"""


@click.command(context_settings={"show_default": True}, epilog=EPILOG)
@click.option("--streams", default="100", metavar="N[,N...]", help="Live streams at once, a run each.")
@click.option("--fps", default=2.0, help="Frames a second of each stream.")
@click.option("--seconds", default=20.0, help="Length of a run.")
@click.option("--frames", "frame_count", default=40, help="Of the call or the video; streams repeat them.")
@click.option("--rounds", default=1, help="How often all runs are made, in turn.")
@click.option(
    "--video",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Frames of this file, at 720 lines, instead of the demo's call.",
)
@click.option(
    "--naive",
    type=click.Choice([*DETECTORS, "both", "none"]),
    default=DETECTORS[0],
    help="How the naive pipeline finds faces: MediaPipe's task once a frame, or the server's own detector.",
)
@click.option(
    "--coded",
    multiple=True,
    type=click.Choice([*CODED_CALLS]),
    help="Beside JPEG, as many calls of 720p30 in this format, of which --fps are scored. May be repeated.",
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
    frame_count: int,
    rounds: int,
    video: Path | None,
    naive: str,
    coded: tuple[str, ...],
    json_path: Path | None,
    plot_path: Path | None,
    server_flags: tuple[str, ...],
) -> None:
    """Load the server with live calls of 720p JPEG and say what it costs, beside a naive pipeline."""
    try:
        counts = [int(count) for count in streams.split(",")]
    except ValueError as error:
        raise click.BadParameter("wants whole numbers with commas between", param_hint="--streams") from error
    console = Console(stderr=True)
    with console.status("making frames"):
        frames = call_frames(frame_count) if video is None else video_frames(video, frame_count)
        sources: dict[str, list[bytes] | CodedCall] = {"jpeg": frames}
        sources |= {name: coded_call(name, video) for name in coded}
    runs: list[Run] = []
    naive_runs: list[NaiveRun] = []
    detectors = [detector for detector in DETECTORS if naive in (detector, "both")]
    for round_number in range(rounds):
        for count in counts:
            for source, its_frames in sources.items():
                what = f"round {round_number + 1} of {rounds}: {count} streams of {source} at {fps:g} fps"
                with console.status(what):
                    runs.append(_load(source, its_frames, count, fps, seconds, server_flags))
            for detector in detectors:
                with console.status(f"the naive pipeline ({detector}) on the same frames"):
                    naive_runs.append(_naive_pipeline(frames, detector))
    write_table(runs, naive_runs, Console())
    if json_path is not None:
        write_json(json_path, runs, naive_runs)
    if plot_path is not None:
        write_plot(plot_path, runs)


def _load(
    source: str,
    frames: list[bytes] | CodedCall,
    streams: int,
    fps: float,
    seconds: float,
    flags: tuple[str, ...],
) -> Run:
    with server_process(*flags) as server:
        asyncio.run(play_calls(server.target, frames, min(streams, 4), fps, WARM_UP_S))
        before_cpu_s, before_stages = server.cpu_s(), server.stage_times()
        result = asyncio.run(play_calls(server.target, frames, streams, fps, seconds))
        cpu_s = server.cpu_s() - before_cpu_s
        return Run(
            source=source,
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
            min_fair_share=result.min_fair_share,
            stages_ms=_stage_means_ms(server, before_stages),
            stages_ms_a_call_second={
                stage: (sum_s - before_stages.get(stage, (0.0, 0.0))[0]) * 1000 / (streams * seconds)
                for stage, (sum_s, _) in sorted(server.stage_times().items())
            },
        )


def _stage_means_ms(server: Server, before: dict[str, tuple[float, float]]) -> dict[str, float]:
    means = {}
    for stage, (sum_s, count) in sorted(server.stage_times().items()):
        before_s, before_count = before.get(stage, (0.0, 0.0))
        means[stage] = (sum_s - before_s) * 1000 / max(1.0, count - before_count)
    return means


def _naive_pipeline(frames: list[bytes], detector: Detector) -> NaiveRun:
    packed = io.BytesIO()
    write_frames(frames, packed)
    command = (sys.executable, "-m", "bench.naive_pipeline", "--detector", detector)
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=packed.getvalue(), capture_output=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.decode().strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise click.ClickException(
            f"the naive pipeline did not run ({reason}): it needs `uv run --group dev`, "
            "or leave it out with --naive none"
        )
    return NaiveRun(**json.loads(done.stdout))


if __name__ == "__main__":
    main(prog_name="python -m bench")
