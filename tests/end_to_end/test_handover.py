"""A stream whose server dies or drains goes on at another one, with the scores that it would have had."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_client import Assessment, CheckpointRefused, Client, Delivery, EncodedFrame
from facegauge_client.playback.video import open_source
from facegauge_client.sdk.frames import encode
from facegauge_client.sdk.stream import MonitorStream
from facegauge_server.access.command import command as token_command
from tests.end_to_end.conftest import ServerProcess, StartServerProcess, run_server

CLIP = "musetalk-yongen.mp4"
FRAMES = 50
FPS = 5.0
HAND_OVER_AT = 27
"""Frame after which the first server goes: between two checkpoints, of which there is one every 2 s."""
SAME = 0.001

Clip = list[tuple[float, EncodedFrame]]


@pytest.fixture(scope="module")
def clip(shared_dir: Path) -> Clip:
    """The first frames of a real call, as they travel, with their capture times."""
    source = open_source(shared_dir / "videos" / CLIP, FPS)
    frames = [(frame.capture_time_s, encode(frame.picture)) for frame in islice(source.frames(), FRAMES)]
    assert len(frames) == FRAMES
    return frames


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Of every replica, with a key for checkpoints that is made as an operator makes it."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    new_key = ["new-key", "--kid", "1", "--algorithm", "A256GCM", "--out", str(path)]
    assert CliRunner().invoke(token_command, new_key).exit_code == 0
    return ("--checkpoint-keys", str(path), "--workers", "1", "--idle-timeout", "60")


@pytest.fixture(scope="module")
def second(flags: tuple[str, ...]) -> Iterator[ServerProcess]:
    """The replica that takes over."""
    with run_server(*flags) as server:
        yield server


@pytest.fixture
def first(start_server_process: StartServerProcess, flags: tuple[str, ...]) -> ServerProcess:
    """The replica that goes."""
    return start_server_process(*flags)


@pytest.fixture(scope="module")
def expected(second: ServerProcess, clip: Clip) -> tuple[list[Assessment], MonitorStream]:
    """The clip through one server."""

    async def through_one() -> tuple[list[Assessment], MonitorStream]:
        async with Client(second.listen) as client, monitor(client) as stream:
            return [answer async for answer in play(stream, clip)], stream

    return asyncio.run(through_one())


async def play(stream: MonitorStream, clip: Clip) -> AsyncIterator[Assessment]:
    """Send a clip one frame after the other; yields the answers."""

    async def send() -> None:
        for sequence, (capture_time_s, frame) in enumerate(clip):
            await stream.send(frame, capture_time_s=capture_time_s, sequence=sequence)
        await stream.finish()

    sending = asyncio.create_task(send())
    async for assessment in stream:
        yield assessment
    await sending


def monitor(client: Client) -> MonitorStream:
    return client.monitor("a", "call", delivery=Delivery.COMPLETE, reconnect_timeout_s=60.0)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_scores_are_the_same_with_a_hand_over_and_without(
    first: ServerProcess,
    second: ServerProcess,
    clip: Clip,
    expected: tuple[list[Assessment], MonitorStream],
    how: signal.Signals,
) -> None:
    """A real clip through one server, and through two of which the first is killed, or drains, on the way.

    Every frame is answered once, with the same score, the same faces and the same causes; the summary is that
    of the whole clip.
    """
    expected_answers, whole = expected
    target = f"ipv4:{first.listen},{second.listen}"
    async with Client(target) as client, monitor(client) as stream:
        answers = []
        async for answer in play(stream, clip):
            answers.append(answer)
            if answer.sequence == HAND_OVER_AT:
                first.process.send_signal(how)
    assert (stream.reconnects, stream.restarts) == (1, 0)
    assert [answer.sequence for answer in answers] == list(range(FRAMES))
    for one, other in zip(answers, expected_answers, strict=True):
        assert one.quality == pytest.approx(other.quality, abs=SAME), one.sequence
        assert one.raw_quality == pytest.approx(other.raw_quality, abs=SAME), one.sequence
        assert [face.track_id for face in one.faces] == [face.track_id for face in other.faces]
        assert one.main_track_id == other.main_track_id
        costs = {cause.kind: cause.cost for cause in other.causes}
        assert {cause.kind: cause.cost for cause in one.causes} == pytest.approx(costs, abs=SAME)
    assert stream.summary is not None
    assert whole.summary is not None
    assert stream.summary.frames_scored == whole.summary.frames_scored == FRAMES
    assert stream.summary.mean_quality == pytest.approx(whole.summary.mean_quality, abs=SAME)
    assert stream.summary.p10_quality == pytest.approx(whole.summary.p10_quality, abs=SAME)
    assert len(stream.checkpoint) < 1000


async def test_a_live_stream_goes_on_where_it_was(
    first: ServerProcess, second: ServerProcess, clip: Clip
) -> None:
    """Killed without a word, the server costs a call's stream moments, and none of what was known of it."""
    async with Client(f"ipv4:{first.listen},{second.listen}") as client:
        async with client.monitor("a", "call") as stream:
            for sequence, (capture_time_s, frame) in enumerate(clip[:30]):
                await stream.send(frame, capture_time_s=capture_time_s, sequence=sequence)
                before = await anext(stream)
            first.process.kill()
            killed_s = time.monotonic()
            while stream.reconnects == 0:  # a call goes on sending meanwhile
                await stream.send(clip[30][1], capture_time_s=clip[30][0] + time.monotonic() - killed_s)
                await asyncio.sleep(0.02)
            last = await stream.send(clip[31][1], capture_time_s=clip[31][0] + time.monotonic() - killed_s)
            answer = await anext(stream)
            handed_over_s = time.monotonic() - killed_s
            while answer.sequence != last:
                answer = await anext(stream)
        assert stream.restarts == 0
    print(f"hand-over took {handed_over_s:.2f} s; a checkpoint has {len(stream.checkpoint)} bytes")
    assert answer.main_track_id == before.main_track_id
    assert answer.quality == pytest.approx(before.quality, abs=0.05)
    assert stream.summary is not None
    assert stream.summary.frames_scored > 20, "those before the last checkpoint are counted too"


async def test_replicas_without_a_shared_key_begin_anew(
    start_server_process: StartServerProcess, second: ServerProcess, clip: Clip
) -> None:
    """As before there were checkpoints: the SDK falls back, and a caller who asks is told why."""
    alone = start_server_process("--workers", "1")
    async with Client(alone.listen) as client, monitor(client) as stream:
        answers = [answer async for answer in play(stream, clip[:20])]
    assert len(answers) == 20
    async with Client(second.listen) as client:
        with pytest.raises(CheckpointRefused, match="--checkpoint-keys") as refused:
            await client.monitor("a", "call", checkpoint=stream.checkpoint).__aenter__()
        assert refused.value.reason == "KEY_UNKNOWN"
    async with Client(alone.listen) as client:
        async with client.monitor("a", "call", checkpoint=stream.checkpoint) as again:
            assert again.accepted.resumed, "its own it opens, though the stream had ended"
        with pytest.raises(CheckpointRefused) as refused:
            await client.monitor("b", "call", checkpoint=stream.checkpoint).__aenter__()
        assert refused.value.reason == "FOREIGN"
    async with Client(f"ipv4:{alone.listen},{second.listen}") as client, monitor(client) as stream:
        async for answer in play(stream, clip[:20]):
            if answer.sequence == 15:
                alone.process.kill()
    assert (stream.reconnects, stream.restarts) == (1, 1)
