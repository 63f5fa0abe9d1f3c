"""Measure what `facegauge-plan` computes with: `python -m bench.plan_constants --machine TEXT [--out FILE]`.

Processor time of the stages in this process, the best of three passes over a call of 720 lines; time of the
server's own process, memory and series from a real server under a light load. Processor time rises where
other programs share the caches: measure on a machine that does nothing else.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

import click

from bench.coded import FPS as UNIT_FPS
from bench.coded import HEIGHT, WIDTH, CodedCall, coded_call
from bench.decoder_options import decode
from bench.frames import call_frames
from bench.load import play_calls
from bench.server import Server, server_process
from facegauge_plan.constants import Constants
from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.stages.video_pixels import rgb_pixels
from facegauge_server.types import EncodedFrame, Encoding
from facegauge_server.workers.frame_work import FrameWork
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.tracker_state import TrackerCell

__all__: list[str] = []

STUDENTS = ("facegauge-small", "facegauge-accurate", "edgenext")
CODED = ("h264", "vp8", "vp9", "av1")
MP = WIDTH * HEIGHT / 1e6
MIB = 2**20
FRAMES, PASSES, FPS = 40, 3, 2.0
STREAMS, SECONDS = 12, 15.0
DECODER_PICTURES = 12
"""What the server reckons with (`--max-decoder-bytes`)."""


def stage_ms(student: str, pictures: list[bytes]) -> dict[str, float]:
    """Return milliseconds of a frame by stage, means over a call of JPEG at `FPS`."""
    work = FrameWork(WorkSettings(load_student(student), Limits(), scores=True), "f32")
    passes: list[dict[str, float]] = []
    for _ in range(PASSES):
        tracker, totals = TrackerCell().state, dict.fromkeys(("decode", "locate", "crop", "score"), 0.0)
        for number, data in enumerate(pictures):
            frame = EncodedFrame(number, number / FPS, Encoding.JPEG, data)
            assessed = work.assess(frame, tracker, HEIGHT)
            tracker = assessed.tracker
            for stage, duration_s in assessed.stage_times_s:
                totals[stage] += 1000 * duration_s / len(pictures)
        passes.append(totals)
    return {stage: min(one[stage] for one in passes) for stage in passes[0]}


def unit_ms(call: CodedCall) -> tuple[float, float]:
    """Return milliseconds of a unit's decoding, and of a picture's way to RGB."""
    decode_ms, pictures = decode(call.name, call.units, {})
    times_s = []
    for _ in range(PASSES):
        begun_s = time.thread_time()
        for picture in pictures:
            rgb_pixels(picture)
        times_s.append(time.thread_time() - begun_s)
    return decode_ms, 1000 * min(times_s) / len(pictures)


def main_ms(server: Server, frames: list[bytes] | CodedCall) -> float:
    """Return processor time of the server's own process for a second of a stream, milliseconds."""
    times = server.process.cpu_times()
    asyncio.run(play_calls(server.target, frames, STREAMS, FPS, SECONDS))
    after = server.process.cpu_times()
    return 1000 * (after.user + after.system - times.user - times.system) / (STREAMS * SECONDS)


def memory_mib(server: Server) -> tuple[float, float]:
    """Return what the server's own process and a worker have resident, mean over workers."""
    family = server.process.children(recursive=True)
    workers = [one for one in family if not one.children()]
    return (
        server.process.memory_info().rss / MIB,
        fmean(one.memory_info().rss for one in workers) / MIB,
    )


def series(server: Server) -> tuple[int, int]:
    """Return the series of one live stream, and those of a server without streams."""
    counts: list[dict[str, int]] = []

    async def count(wanted: int) -> None:
        while not counts or counts[-1]["streams"] < wanted:
            counts.append(await asyncio.to_thread(_count_series, server))
            await asyncio.sleep(0.5)

    async def both() -> None:
        await asyncio.gather(count(1), play_calls(server.target, call_frames(4), 1, FPS, 4.0))

    idle = _count_series(server)["series"]
    asyncio.run(both())
    return max(one["series"] for one in counts) - idle, idle


def _count_series(server: Server) -> dict[str, int]:
    samples = server.samples()
    active = next(s.value for s in samples if s.name == "facegauge_streams_active")
    quality = any(s.name == "facegauge_stream_quality_ratio" for s in samples)
    return {"series": len(samples), "streams": int(active) if quality else 0}


@click.command()
@click.option("--machine", required=True, help="What it is measured on, in words.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def main(machine: str, out: Path | None) -> None:
    """Measure, and print or write the constants."""
    pictures = call_frames(FRAMES)
    stages = {student: stage_ms(student, pictures) for student in STUDENTS}
    calls = {name: coded_call(name) for name in CODED}
    units = {name: unit_ms(call) for name, call in calls.items()}
    with server_process() as server:
        base_mib, worker_mib = memory_mib(server)
        series_per_stream, series_per_replica = series(server)
        frame_ms = main_ms(server, pictures) / FPS
        before_mib = memory_mib(server)[0]
        coded_ms = main_ms(server, calls["vp8"])
    small = stages["facegauge-small"]
    found = Constants(
        machine=machine,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        decode_ms_per_mp={"jpeg": small["decode"] / MP} | {n: ms / MP for n, (ms, _) in units.items()},
        rgb_ms_per_mp=fmean(rgb_ms for _, rgb_ms in units.values()) / MP,
        face_ms=fmean(one["locate"] + one["crop"] for one in stages.values()),
        score_ms={student: one["score"] for student, one in stages.items()},
        main_ms_per_frame=frame_ms,
        main_ms_per_unit=max(0.001, (coded_ms - FPS * frame_ms) / UNIT_FPS),
        base_mib=base_mib,
        worker_mib=worker_mib,
        stream_mib=max(0.01, (before_mib - base_mib) / STREAMS),
        decoder_pictures=DECODER_PICTURES,
        series_per_stream=series_per_stream,
        series_per_replica=series_per_replica,
        bytes_per_mp={"jpeg": fmean(map(len, pictures)) / MP}
        | {name: fmean(map(len, call.units)) / MP for name, call in calls.items()},
    )
    text = json.dumps(_rounded(asdict(found)), indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
