"""Hold the score of a real call against the truth: `python -m bench.calls`.

A browser publishes a clip through Janus and the gateway to the server, while its bitrate goes up and down.
What the gateway receives is recorded. Afterwards the record is decoded, each picture is laid beside
that frame of the clip whose number it carries, and VMAF of the face is computed, against what the camera saw.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console

from bench.call_agreement import Agreement, agreement, write_plot, write_table
from bench.call_truth import Recorded, Second, face_boxes, per_second
from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser, running_browser
from bench.real_call.clip import write_portrait_clip, write_video_clip
from bench.real_call.gateway import running_gateway
from bench.real_call.janus import Janus, running_janus
from bench.real_call.lossy_path import lossy_path
from bench.real_call.programs import ProgramMissing
from bench.server import server_process

SSRC, PAYLOAD_TYPE = 77, 96
SCORED_FPS = 5
LINES, FPS, CLIP_S = 720, 15, 12
START_S = 2.0
"""What the browser takes to find its first rate; not counted."""
STEPS_KBIT_PER_S = (1500, 60, 300, 30, 120, 700, 40, 180)
"""Not in order, so that time itself explains nothing."""
MOST = max(STEPS_KBIT_PER_S)

EPILOG = """
Examples:

\\b
  uv run --group dev python -m bench.calls --plot docs/calls.png --json calls.json
  uv run --group dev python -m bench.calls --codec vp8 --video talk.mp4
"""


@dataclass(frozen=True, slots=True)
class CallRun:
    """One call: each second's score and truth, and how they agree."""

    codec: str
    clip: str
    seconds: list[Second]
    agreement: Agreement


@click.command(context_settings={"show_default": True}, epilog=EPILOG)
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    type=click.Choice([*CODECS]),
    default=("h264", "vp8", "vp8-l1t3", "vp9", "av1"),
    help="A call for each. Repeatable.",
)
@click.option(
    "--video",
    "videos",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file for the camera in place of the portrait. Repeatable: a call for each.",
)
@click.option("--step-s", default=4.0, help="Length of each step of the bitrate.")
@click.option("--keep", default="maintain-resolution", help="WebRTC's degradationPreference.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
@click.option(
    "--plot", "plot_path", type=click.Path(path_type=Path), help="Draw score and truth here, as PNG."
)
def main(
    codecs: tuple[str, ...],
    videos: tuple[Path, ...],
    step_s: float,
    keep: str,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    """Hold the score of real calls against VMAF of the face in what was received."""
    console = Console(stderr=True)
    runs: list[CallRun] = []
    for video in videos or (None,):
        with tempfile.TemporaryDirectory(prefix="facegauge-calls-") as folder, server_process() as server:
            try:
                runs += asyncio.run(
                    make_calls(Path(folder), server.target, codecs, video, step_s, keep, console)
                )
            except ProgramMissing as missing:
                raise click.ClickException(str(missing)) from missing
    write_table([(run.clip, run.codec, run.agreement) for run in runs], Console())
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(run) for run in runs], indent=2) + "\n")
    if plot_path is not None:
        write_plot(plot_path, [(f"{run.clip}, {run.codec}", run.seconds) for run in runs])


async def make_calls(
    folder: Path,
    server: str,
    codecs: tuple[str, ...],
    video: Path | None,
    step_s: float,
    keep: str,
    console: Console,
) -> list[CallRun]:
    """Call once with each codec, with one clip before the camera."""
    for name in ("janus", "browser"):
        (folder / name).mkdir()
    camera = folder / "clip.y4m"
    with console.status("making the clip"):
        shown = (
            write_portrait_clip(camera, lines=LINES, fps=FPS, seconds=CLIP_S)
            if video is None
            else write_video_clip(camera, video, lines=LINES, fps=FPS, seconds=CLIP_S)
        )
        boxes = face_boxes(shown)
    clip = "portrait" if video is None else video.stem
    runs: list[CallRun] = []
    async with (
        running_janus(folder / "janus") as janus,
        running_browser(folder / "browser", camera) as browser,
    ):
        for codec in codecs:
            with console.status(f"{clip}: a call of {codec}"):
                recorded = await make_call(browser, janus, server, codec, shown[0].shape[:2], step_s, keep)
            with console.status(f"{clip}: VMAF of what was received as {codec}"):
                seconds = per_second(recorded, CODECS[codec].name, shown, boxes, from_s=START_S)
            runs.append(CallRun(codec, clip, seconds, agreement(seconds)))
    return runs


async def make_call(
    browser: Browser,
    janus: Janus,
    server: str,
    codec: str,
    size: tuple[int, ...],
    step_s: float,
    keep: str,
) -> Recorded:
    """Make one call through all steps of the bitrate; return what came by, and what was said of it."""
    known = CODECS[codec]
    height, width = size
    flags = (
        *("--payload", f"{PAYLOAD_TYPE}={known.name}", "--ssrc", f"{SSRC}=call"),
        *("--max-fps", f"{SCORED_FPS}"),
    )
    async with (
        running_gateway(server, *flags) as gateway,
        lossy_path(gateway.addresses[0]) as path,
        calling(browser, janus, known, width=width, height=height, fps=FPS, kbit_per_s=MOST) as call,
    ):
        await call.cap(MOST, keep=keep)
        await call.forward(path.port, ssrc=SSRC, payload_type=PAYLOAD_TYPE)
        await gateway.until(lambda: bool(gateway.scored("call")), "a first score")
        await asyncio.sleep(START_S)
        for kbit_per_s in STEPS_KBIT_PER_S:
            await call.cap(kbit_per_s, keep=keep)
            await asyncio.sleep(step_s)
    return Recorded(path.record, gateway.scored("call"))


if __name__ == "__main__":
    main(prog_name="python -m bench.calls")
