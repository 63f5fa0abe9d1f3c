"""One stream from the client's side: delivery, back-pressure, reconnection, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import av
import grpc
import numpy as np
import pytest

from facegauge_client import (
    Assessment,
    Client,
    Delivery,
    FacegaugeError,
    NoticeKind,
    ResponsesUnread,
    ServerFull,
    ServerUnavailable,
    StreamClosed,
    StreamExists,
    StreamRejected,
    StreamStalled,
)
from tests.client.conftest import ScriptedService

PICTURE = np.zeros((90, 160, 3), np.uint8)
MEGABYTES = np.zeros((1000, 1000, 3), np.uint8)


def _took(service: ScriptedService, number: int) -> bool:
    return len(service.frames) > number


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something has come to pass; the test's timeout is the limit."""
    while not condition():
        await asyncio.sleep(0.001)


async def test_every_frame_of_a_complete_stream_is_answered_in_order(
    service: ScriptedService, target: str
) -> None:
    """COMPLETE drops nothing, the answers keep the frames' order, and the summary ends the stream."""
    async with (
        Client(target) as client,
        client.monitor("a", "call", delivery=Delivery.COMPLETE, max_fps=9) as stream,
    ):
        sent = [await stream.send(PICTURE, capture_time_s=k / 5) for k in range(50)]
        await stream.finish()
        answers = [assessment async for assessment in stream]
    assert sent == list(range(50))
    assert [answer.sequence for answer in answers] == sent
    assert stream.frames_sent == 50
    assert stream.frames_dropped == 0
    assert stream.summary is not None
    assert stream.summary.frames_scored == 50
    assert (service.configs[0].call_id, service.configs[0].max_fps) == ("call", 9)


async def test_leaving_the_block_finishes_the_stream(target: str) -> None:
    """Without finish(), leaving the block waits for the summary; what was not read can still be read."""
    async with Client(target) as client:
        async with client.monitor("a", delivery=Delivery.COMPLETE) as stream:
            await stream.send(PICTURE)
        assert stream.summary is not None
        assert [answer.sequence async for answer in stream] == [0]
        with pytest.raises(StreamClosed, match="takes no more frames"):
            await stream.send(PICTURE)


async def test_live_sending_never_waits_and_the_newest_frame_wins(
    service: ScriptedService, target: str
) -> None:
    """Frames sent in one turn of the event loop replace each other: the newest one alone is sent."""
    async with Client(target) as client, client.monitor("a") as stream:
        for number in range(50):
            stream.send_nowait(PICTURE, capture_time_s=number / 5)
    assert [frame.sequence for frame in service.frames] == [49]
    assert (stream.frames_sent, stream.frames_dropped) == (1, 49)


async def test_a_server_that_stops_reading_costs_frames_and_no_time(
    service: ScriptedService, target: str
) -> None:
    """However much gRPC buffers, each frame is sent or dropped, and the newest one arrives at last."""
    service.reading.clear()
    async with Client(target) as client, client.monitor("a") as stream:
        sent = 0
        while stream.frames_dropped < 10:
            await stream.send(MEGABYTES, capture_time_s=sent / 5)
            sent += 1
            await asyncio.sleep(0)
        service.reading.set()
    assert stream.frames_sent + stream.frames_dropped == sent
    assert service.frames[-1].sequence == sent - 1


async def test_assessments_that_nobody_reads_stay_bounded_under_live(
    service: ScriptedService, target: str
) -> None:
    """A consumer that never reads costs a bounded number of assessments; the newest ones are kept."""
    service.answers_a_frame = 100
    async with Client(target) as client:
        async with client.monitor("a", unread_assessments=10) as stream:
            for number in range(5):
                await stream.send(PICTURE, sequence=number)
                await until(partial(_took, service, number))
        kept = [answer.sequence async for answer in stream]
    assert kept == [4] * 10
    assert stream.assessments_dropped == 490


async def test_assessments_that_nobody_reads_hold_a_complete_stream_back(
    service: ScriptedService, target: str
) -> None:
    """Under COMPLETE unread answers hold the sender back; after a while that is an error."""
    service.answers_a_frame = 1000  # fills the connection's own buffers soon
    async with Client(target) as client:
        with pytest.raises(StreamStalled, match=r"not being read \(use a task of their own\)"):
            async with client.monitor(
                "a", delivery=Delivery.COMPLETE, unread_assessments=2, stall_timeout_s=0.2
            ) as stream:
                for _ in range(1000):
                    await stream.send(PICTURE)
        assert len([answer async for answer in stream]) == 2


async def test_a_broken_live_stream_is_resumed(service: ScriptedService, target: str) -> None:
    """After the connection breaks, the next one shows the resume token, and sending has gone on meanwhile."""
    service.break_after_frames = [2, 3]
    answers: list[Assessment] = []

    async def read() -> None:
        answers.extend([assessment async for assessment in stream])

    async with Client(target) as client:
        async with client.monitor("a") as stream:
            reader = asyncio.create_task(read())
            number = 0
            while stream.reconnects < 2:
                await stream.send(PICTURE, sequence=(number := number + 1))
                await asyncio.sleep(0.002)
            assert stream.accepted.resumed
            last = await stream.send(PICTURE)
        await reader
    assert [config.resume_token for config in service.configs] == ["", "token-1", "token-2"]
    assert answers[-1].sequence == last
    assert stream.summary is not None


async def test_a_forgotten_resume_token_begins_the_stream_anew(service: ScriptedService, target: str) -> None:
    """A server that refuses the token is asked again without it."""
    service.break_after_frames = [0]
    async with Client(target) as client, client.monitor("a") as stream:
        service.refusals = [(grpc.StatusCode.PERMISSION_DENIED, "the resume token is not that of stream 'a'")]
        await until(lambda: stream.reconnects == 1)
    assert [config.resume_token for config in service.configs] == ["", "token-1", ""]


async def test_a_stream_that_cannot_be_restored_ends_with_one_sentence(
    service: ScriptedService, target: str
) -> None:
    """When reconnection runs out of time, the reader gets the error and sending raises it, too."""
    service.break_after_frames = [0]
    async with Client(target) as client:
        with pytest.raises(ServerUnavailable, match=r"broke, and for 0\.3 s it could not be restored"):
            async with client.monitor("a", reconnect_timeout_s=0.3) as stream:
                service.refusals = [(grpc.StatusCode.UNAVAILABLE, "down")] * 1000
                async for _ in stream:
                    pass
        with pytest.raises(ServerUnavailable):
            await stream.send(PICTURE)


async def test_a_broken_complete_stream_is_an_error(service: ScriptedService, target: str) -> None:
    """COMPLETE promises every frame: unless asked to reconnect, a connection that breaks is an error."""
    service.break_after_frames = [3]
    async with Client(target) as client:
        with pytest.raises(ServerUnavailable, match="broke"):
            async with client.monitor("a", delivery=Delivery.COMPLETE) as stream:
                for _ in range(1000):
                    await stream.send(PICTURE)
    assert len(service.configs) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, StreamRejected),
        (grpc.StatusCode.ALREADY_EXISTS, StreamExists),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ServerFull),
        (grpc.StatusCode.UNAVAILABLE, ServerUnavailable),
        (grpc.StatusCode.UNIMPLEMENTED, FacegaugeError),
    ],
)
async def test_a_refused_stream_says_why(
    service: ScriptedService, target: str, code: grpc.StatusCode, error: type[Exception]
) -> None:
    """Each status code is one class of error, which carries the server's reason."""
    service.refusals = [(code, "for this reason")]
    async with Client(target) as client:
        with pytest.raises(error, match="for this reason"):
            async with client.monitor("a"):
                pass


async def test_a_server_that_does_not_answer_is_given_up(service: ScriptedService, target: str) -> None:
    """A server that takes the connection and stays silent fails the stream within the connect timeout."""
    service.accepting.clear()
    async with Client(target, connect_timeout_s=0.2) as client:
        with pytest.raises(ServerUnavailable, match=f"answers at {target} .no answer within 0.2 s"):
            async with client.monitor("a"):
                pass


async def test_an_exception_in_the_block_ends_the_stream_at_once(
    service: ScriptedService, target: str
) -> None:
    """The caller's own exception comes out as it is, without waiting for a server that does not read."""
    service.reading.clear()
    async with Client(target) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.monitor("a", delivery=Delivery.COMPLETE) as stream:
                await stream.send(PICTURE)
                raise ZeroDivisionError


async def test_frames_too_large_for_the_server_are_refused_here(target: str) -> None:
    """A frame over the server's message limit raises ValueError and leaves the stream alive."""
    async with Client(target) as client, client.monitor("a") as stream:
        with pytest.raises(ValueError, match="over the server's limit of 16777216"):
            await stream.send(np.zeros((4000, 4000, 3), np.uint8))
        await stream.send(PICTURE)
    assert stream.summary is not None
    assert stream.summary.frames_scored == 1


async def test_a_video_frames_own_time_is_its_capture_time(service: ScriptedService, target: str) -> None:
    """A PyAV frame brings its time; other pictures get the monotonic clock, which goes forward."""
    video = av.VideoFrame(16, 16, "yuv420p")
    video.pts, video.time_base = 3, Fraction(1, 2)
    async with Client(target) as client, client.monitor("a", delivery=Delivery.COMPLETE) as stream:
        await stream.send(video)
        await stream.send(PICTURE)
        await stream.send(PICTURE)
    times = [frame.capture_time_s for frame in service.frames]
    assert times[0] == 1.5
    assert times == sorted(times)


async def test_sequence_numbers_are_the_callers_and_wrap(service: ScriptedService, target: str) -> None:
    """A media server may use its own frame numbers, which are 32 bits wide."""
    async with Client(target) as client, client.monitor("a", delivery=Delivery.COMPLETE) as stream:
        assert await stream.send(PICTURE, sequence=2**32 - 1) == 2**32 - 1
        assert await stream.send(PICTURE) == 0
    assert [frame.sequence for frame in service.frames] == [2**32 - 1, 0]


@pytest.mark.parametrize("reason", ["STREAM_IDLE", ""])
async def test_a_camera_that_is_off_costs_no_connection(
    service: ScriptedService, target: str, reason: str
) -> None:
    """A live stream that the server ended as idle comes back with its next frame, not before."""
    service.break_after_frames = [1]
    service.break_with, service.break_reason = grpc.StatusCode.DEADLINE_EXCEEDED, reason
    async with Client(target) as client, client.monitor("a") as stream:
        await stream.send(PICTURE)
        await anext(stream)
        await until(lambda: not stream.connected)
        assert len(service.configs) == 1
        last = await stream.send(PICTURE)
        assert (await anext(stream)).sequence == last
    assert [config.resume_token for config in service.configs] == ["", "token-1"]


async def test_a_live_stream_ended_for_unread_responses_comes_back_at_once(
    service: ScriptedService, target: str
) -> None:
    """Idle and unread share a status code; the reason says that no frame needs to be awaited."""
    service.break_after_frames = [1]
    service.break_with, service.break_reason = grpc.StatusCode.DEADLINE_EXCEEDED, "RESPONSES_UNREAD"
    async with Client(target) as client, client.monitor("a") as stream:
        await stream.send(PICTURE)
        await until(lambda: stream.reconnects == 1)
    assert [config.resume_token for config in service.configs] == ["", "token-1"]


async def test_a_complete_stream_ended_for_unread_responses_says_so(
    service: ScriptedService, target: str
) -> None:
    """The caller has to read: an error of its own class, not an idle stream."""
    service.break_after_frames = [1]
    service.break_with, service.break_reason = grpc.StatusCode.DEADLINE_EXCEEDED, "RESPONSES_UNREAD"
    async with Client(target) as client:
        with pytest.raises(ResponsesUnread, match="the line broke"):
            async with client.monitor("a", delivery=Delivery.COMPLETE) as stream:
                await stream.send(PICTURE)


@pytest.mark.parametrize("is_forgotten", [True, False])
async def test_a_complete_stream_that_may_reconnect_loses_nothing_to_a_restart(
    service: ScriptedService, target: str, is_forgotten: bool
) -> None:
    """Frames that a restarted server never answered are sent again, in order, each answered once."""
    service.break_after_frames = [2, 3]
    service.forget_streams = is_forgotten
    answers: list[Assessment] = []

    async def read() -> None:
        answers.extend([assessment async for assessment in stream])

    async with Client(target) as client:
        async with client.monitor("a", delivery=Delivery.COMPLETE, reconnect_timeout_s=30) as stream:
            reader = asyncio.create_task(read())
            for number in range(20):
                if number == 3:  # else all might go to the first server, with none left for the second
                    await until(lambda: stream.reconnects == 1)
                await stream.send(PICTURE, capture_time_s=number / 5)
        await reader
    assert stream.reconnects == 2
    assert [config.resume_token for config in service.configs] == ["", "token-1", "token-2"]
    sequences = [answer.sequence for answer in answers if answer.sequence is not None]
    assert sequences == sorted(set(sequences))
    if is_forgotten:
        assert sequences == list(range(20))
        assert (stream.frames_sent, stream.frames_dropped) == (20, 0)


async def test_a_complete_stream_waits_for_a_server_longer_than_its_stall_timeout(
    service: ScriptedService, target: str
) -> None:
    """Time without a server counts against the reconnect timeout alone."""
    service.break_after_frames = [1]
    service.forget_streams = True
    async with Client(target) as client:
        async with client.monitor(
            "a", delivery=Delivery.COMPLETE, reconnect_timeout_s=30, stall_timeout_s=0.7
        ) as stream:
            service.refusals = [(grpc.StatusCode.UNAVAILABLE, "down")] * 5  # 1.55 s of waiting at least
            await stream.send(PICTURE)
            await stream.send(PICTURE)
        answers = [answer.sequence async for answer in stream]
    assert answers == [0, 1]
    assert stream.reconnects == 1


async def test_a_draining_server_hands_a_live_stream_on(service: ScriptedService, target: str) -> None:
    """Told to drain and summed up, a live stream begins anew with whatever server the target gives next."""
    service.drain_after_frames = [1]
    async with Client(target) as client, client.monitor("a") as stream:
        await stream.send(PICTURE)
        await until(lambda: stream.reconnects == 1)
        assert [notice.kind for notice in stream.notices] == [NoticeKind.DRAINING]
        assert stream.summary is not None
        last = await stream.send(PICTURE)
        await anext(stream)
        assert (await anext(stream)).sequence == last
    assert [config.resume_token for config in service.configs] == ["", ""]


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_without_reconnection_a_draining_server_ends_the_stream(
    service: ScriptedService, target: str, delivery: Delivery
) -> None:
    """Iteration ends with the summary, and sending says why."""
    service.drain_after_frames = [1]
    async with Client(target) as client:
        async with client.monitor("a", delivery=delivery, reconnect_timeout_s=0) as stream:
            await stream.send(PICTURE)
            assert [answer.sequence async for answer in stream] == [0]
            with pytest.raises(ServerUnavailable, match="is shutting down and has ended the stream"):
                await stream.send(PICTURE)
    assert stream.summary is not None
    assert stream.summary.frames_scored == 1


async def test_a_complete_stream_goes_on_at_another_server(service: ScriptedService, target: str) -> None:
    """It gets what follows the newest checkpoint again, and the caller gets no answer twice."""
    service.checkpoint_frames, service.goes_on, service.forget_streams = 4, True, True
    service.break_after_frames = [7]
    async with Client(target) as client:
        async with client.monitor(
            "a", delivery=Delivery.COMPLETE, reconnect_timeout_s=9, mailbox_frames=9
        ) as stream:
            for number in range(10):
                await stream.send(PICTURE, capture_time_s=float(number))
            await stream.finish()
            answers = [assessment.sequence async for assessment in stream]
    assert answers == list(range(10))
    assert [config.checkpoint for config in service.configs] == [b"", b"4"]
    assert [frame.sequence for frame in service.frames] == [*range(7), *range(5, 10)]
    assert (stream.reconnects, stream.restarts) == (1, 0)
    assert stream.frames_sent == 10
    assert stream.checkpoint == b"8"


async def test_a_checkpoint_that_is_refused_begins_the_stream_anew(
    service: ScriptedService, target: str
) -> None:
    """Once, at once, and without it from then on."""
    service.checkpoint_frames, service.forget_streams = 1, True
    service.drain_after_frames = [1]
    async with Client(target) as client, client.monitor("a") as stream:
        await stream.send(PICTURE, capture_time_s=0.0)
        await anext(stream)
        service.refusals = [(grpc.StatusCode.FAILED_PRECONDITION, "it has expired")]
        await until(lambda: stream.reconnects == 1)
        assert stream.checkpoint == b""
    assert [config.checkpoint for config in service.configs] == [b"", b"0", b""]
    assert stream.restarts == 1


async def test_another_process_goes_on_with_a_stream(service: ScriptedService, target: str) -> None:
    """By the checkpoint that the one before has left; where it is refused, its caller decides."""
    service.goes_on = True
    async with Client(target) as client:
        async with client.monitor("a", checkpoint=b"7") as stream:
            assert stream.accepted.resumed
            assert stream.accepted.resumed_after_sequence == 7
        service.refusals = [(grpc.StatusCode.FAILED_PRECONDITION, "it has expired")]
        with pytest.raises(StreamRejected, match="expired"):
            await client.monitor("a", checkpoint=b"7").__aenter__()
