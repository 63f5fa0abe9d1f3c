"""What cheaper decoding costs the score: `python -m bench.decoder_options`.

Decodes the coded calls with options of FFmpeg's decoders that save work, one thread, and scores the same
pictures each time. Processor time, best of three.
"""

from __future__ import annotations

import time
from statistics import fmean

import av
import click
from rich.console import Console
from rich.table import Table

from bench.coded import coded_call
from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.stages.decode_video import DECODERS
from facegauge_server.stages.video_pixels import rgb_pixels
from facegauge_server.types import EncodedFrame, Encoding
from facegauge_server.workers.frame_work import FrameWork
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.tracker_state import TrackerCell

__all__: list[str] = []

NAMES = ("h264", "vp8", "vp9")
OPTIONS: tuple[dict[str, str], ...] = ({}, {"skip_loop_filter": "all"}, {"lowres": "1"})
SCORED_EVERY = 15
REPEATS = 3


def decode(name: str, units: list[bytes], options: dict[str, str]) -> tuple[float, list[av.VideoFrame]]:
    """Return the least processor time of a unit, milliseconds, and each fifteenth picture."""
    least_s = float("inf")
    kept: list[av.VideoFrame] = []
    for _ in range(REPEATS):
        context = av.CodecContext.create(DECODERS[Encoding(name)], "r")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - narrows
        context.thread_count, context.options = 1, options
        kept, started_s = [], time.thread_time()
        for number, unit in enumerate(units):
            pictures = context.decode(av.Packet(unit))
            if pictures and number % SCORED_EVERY == SCORED_EVERY - 1:
                kept.append(pictures[-1])
        least_s = min(least_s, time.thread_time() - started_s)
    return least_s * 1000 / len(units), kept


def score(work: FrameWork, picture: av.VideoFrame) -> float | None:
    """Return the quality of a picture's largest face."""
    pixels = rgb_pixels(picture)
    frame = EncodedFrame(0, 0.0, Encoding.RGB24, pixels.tobytes(), picture.width, picture.height)
    assessed = work.assess(frame, TrackerCell().state, 720)
    faces = assessed.score.faces if assessed.score else ()
    return faces[0].raw_quality if faces else None


@click.command()
def main() -> None:
    """Compare options of decoders by time and by what they do to the score."""
    settings = WorkSettings(load_student("default"), Limits(), scores=True, precision="f32")
    work = FrameWork(settings, "f32")
    table = Table("call", "options", "ms a unit", "mean score", "mean change", "largest change")
    for name in NAMES:
        call = coded_call(name)
        plain: list[float | None] = []
        for options in OPTIONS:
            ms, pictures = decode(name, call.units, options)
            scores = [score(work, picture) for picture in pictures]
            plain = plain or scores
            changes = [
                after - before
                for after, before in zip(scores, plain, strict=True)
                if after is not None and before is not None
            ]
            shown = " ".join(f"{key}={value}" for key, value in options.items()) or "-"
            mean = fmean(one for one in scores if one is not None)
            largest = max(map(abs, changes))
            table.add_row(name, shown, f"{ms:.2f}", f"{mean:.3f}", f"{fmean(changes):+.3f}", f"{largest:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
