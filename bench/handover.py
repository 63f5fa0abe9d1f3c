"""What a checkpoint costs, and how long a stream is without a server when its own is killed.

    uv run --group dev python -m bench.handover ../shared/videos/*.mp4

The cost is that of one process doing all that is done to a stream's frames, with checkpoints and without, in
turns: taking and sealing them, and searching the faces anew after each. The hand-overs are of a live stream
through the SDK between two real servers that share a key, of which the first is killed (-9): from the kill to
the first answer of the other.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

import click
import cv2

from bench.server import server_process
from facegauge_client import Client, EncodedFrame
from facegauge_client.playback.video import open_source
from facegauge_client.sdk.frames import encode
from facegauge_server.access.command import command as token_command
from facegauge_server.checkpoints.issuer import CheckpointIssuer, Owner
from facegauge_server.config import Config, StreamSettings
from facegauge_server.engines.student import load_student
from facegauge_server.streams.session import Session
from facegauge_server.types import EncodedFrame as ReceivedFrame
from facegauge_server.types import Encoding
from facegauge_server.workers.frame_work import FrameWork
from facegauge_server.workers.settings import WorkSettings

__all__: list[str] = []

Clip = list[tuple[float, EncodedFrame]]
INTERVALS_S = (0.0, 2.0)
PASSES = 3
REPEATS = 200


def read(path: Path, fps: float, seconds: float) -> Clip:
    """Return the beginning of a clip as its frames travel."""
    frames = islice(open_source(path, fps).frames(), round(fps * seconds))
    return [(frame.capture_time_s, encode(frame.picture)) for frame in frames]


def play(work: FrameWork, clip: Clip, interval_s: float) -> tuple[Session, list[int], float]:
    """Return the session after a clip, the sizes of its checkpoints, and processor time a frame, ms."""
    session = Session(StreamSettings(stream_id="a"), Config(checkpoint_interval_s=interval_s), 0.0)
    sizes, begun_s = [], time.process_time()
    for sequence, (at_s, sent) in enumerate(clip):
        frame = ReceivedFrame(
            sequence, at_s, Encoding(str(sent.encoding)), sent.data, sent.width, sent.height
        )
        session.note_frame(frame, at_s, at_s)
        before = session.tracker.state
        assessed = work.assess(frame, before, 720)
        session.tracker.replace_state(before, assessed.tracker, assessed.snapshot)
        assert assessed.score is not None  # noqa: S101 - this work scores
        session.assess(assessed.score, at_s)
        checkpoint = session.checkpoints.due(at_s)
        if checkpoint:
            sizes.append(len(checkpoint))
    return session, sizes, 1000 * (time.process_time() - begun_s) / max(1, len(clip))


def time_one(session: Session) -> tuple[float, float]:
    """Return how long it takes to make a checkpoint, and to open it and go on from it, milliseconds."""
    owner, issuer = Owner("", "a", ""), CheckpointIssuer()
    made_s, opened_s = [], []
    for _ in range(REPEATS):
        begun_s = time.perf_counter()
        sealed, _ = issuer.issue(session.checkpoints.snapshot(0.0), owner)
        made_s.append(time.perf_counter() - begun_s)
        begun_s = time.perf_counter()
        Session(
            StreamSettings(stream_id="a"), Config(), 0.0, issuer=issuer, opened=issuer.open(sealed, owner)
        )
        opened_s.append(time.perf_counter() - begun_s)
    return 1000 * median(made_s), 1000 * median(opened_s)


async def hand_over(clip: Clip, keys: Path) -> float:
    """Return the seconds from the kill of a live stream's server to the other one's first answer."""
    flags = ("--checkpoint-keys", str(keys), "--workers", "1")
    with server_process(*flags) as first, server_process(*flags) as second:
        target = f"ipv4:{first.target},{second.target}"
        async with Client(target) as client, client.monitor("a", "call") as stream:
            for at_s, frame in clip[:20]:
                await stream.send(frame, capture_time_s=at_s)
                await anext(stream)
            answer = asyncio.ensure_future(anext(stream))
            first.process.send_signal(signal.SIGKILL)
            killed_s = time.monotonic()
            while not answer.done():  # a call goes on sending meanwhile
                await stream.send(clip[20][1], capture_time_s=clip[20][0] + time.monotonic() - killed_s)
                await asyncio.wait([answer], timeout=0.02)
            took_s = time.monotonic() - killed_s
            if stream.restarts or answer.result().quality is None:
                raise click.ClickException("the stream began anew")
    return took_s


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--fps", default=5.0, show_default=True, help="Of the call.")
@click.option("--seconds", default=12.0, show_default=True, help="Of each clip.")
@click.option("--kills", default=5, show_default=True, help="Hand-overs to measure, on the first clip.")
def main(clips: tuple[Path, ...], fps: float, seconds: float, kills: int) -> None:
    """Print the cost of checkpoints on clips, and the time of hand-overs."""
    cv2.setNumThreads(1)
    work = FrameWork(
        WorkSettings(load_student("default"), Config().limits, scores=True, precision="f32"), "f32"
    )
    sizes, made_ms, opened_ms = [], [], []
    cost_ms: dict[float, list[float]] = {interval_s: [] for interval_s in INTERVALS_S}
    read_clips = [read(path, fps, seconds) for path in clips]
    for clip in read_clips:
        least_ms = dict.fromkeys(INTERVALS_S, float("inf"))
        for _ in range(PASSES):
            for interval_s in INTERVALS_S:
                session, of_clip, frame_ms = play(work, clip, interval_s)
                least_ms[interval_s] = min(least_ms[interval_s], frame_ms)
        sizes += of_clip
        for interval_s, frame_ms in least_ms.items():
            cost_ms[interval_s].append(frame_ms)
        made, opened = time_one(session)
        made_ms.append(made)
        opened_ms.append(opened)
    mean = {interval_s: sum(values) / len(values) for interval_s, values in cost_ms.items()}
    click.echo(f"{len(clips)} clips, {len(sizes)} checkpoints")
    click.echo(f"bytes: median {median(sizes):.0f}, at most {max(sizes)}")
    click.echo(f"ms to make one: {median(made_ms):.3f}; to go on from one: {median(opened_ms):.3f}")
    click.echo(
        f"processor ms a frame: {mean[0.0]:.2f} without, {mean[2.0]:.2f} with one every 2 s: "
        f"ratio {mean[2.0] / mean[0.0]:.3f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        arguments = ["new-key", "--kid", "1", "--algorithm", "A256GCM", "--out", str(keys)]
        token_command.main(arguments, standalone_mode=False)
        took_s = sorted(asyncio.run(hand_over(read_clips[0], keys)) for _ in range(kills))
    click.echo("s from the kill to the next answer: " + ", ".join(f"{one:.2f}" for one in took_s))


if __name__ == "__main__":
    main()
