"""The service over real gRPC: what goes well, and what each kind of bad input gets."""

import asyncio
import socket
import struct
import zlib
from importlib.metadata import version
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_server.streams.buffers import COMPLETE_CAPACITY
from facegauge_server.types import FrameResult
from tests.end_to_end.conftest import ServerProcess
from tests.server.conftest import Connect, StartServer, config_request, frame_request, read_rest

COMPLETE = pb.DELIVERY_COMPLETE

FRAME_BYTES = 20_000
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096))
"""Of a client whose network holds little: a few hundred unread responses instead of many thousands."""
MOST_IN_FLIGHT_BYTES = 16 * 1024 * 1024
"""What gRPC lets a client send ahead of a server that does not read, at most."""


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than anyone has memory for."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


async def assess(stub: Any, *frames: pb.MonitorStreamRequest) -> list[pb.MonitorStreamResponse]:
    """Send frames on a COMPLETE stream and return all responses."""
    requests = [config_request(delivery=COMPLETE), *frames]
    return [response async for response in stub.MonitorStream(iter(requests))]


async def live_streams(stub: Any) -> int:
    """How many streams the server has, which no test leaves any."""
    return int((await stub.ListStreams(pb.ListStreamsRequest())).total)


async def test_a_stream_from_config_to_summary(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """Frames are accepted, scored in order and summed up."""
    stub = connect(server)
    frames = [frame_request(portrait_jpeg, sequence) for sequence in range(10)]
    accepted, *assessments, last = await assess(stub, *frames)
    assert accepted.accepted.config.display_lines == 720
    assert accepted.accepted.resume_token
    assert [response.assessment.sequence for response in assessments] == list(range(10))
    for response in assessments:
        assessment = response.assessment
        assert assessment.result == pb.FRAME_RESULT_SCORED
        assert assessment.state == pb.STREAM_STATE_SCORED
        assert 0 < assessment.quality <= 1
        assert len(assessment.faces) == 1
        assert assessment.faces[0].track_id == assessments[0].assessment.faces[0].track_id
        assert assessment.main_track_id == assessment.faces[0].track_id
        assert (assessment.frame_width, assessment.frame_height) == (768, 768)
    assert last.summary.frames_scored == 10
    assert last.summary.mean_quality == pytest.approx(assessments[-1].assessment.quality, abs=0.05)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"data": b""}, "empty"),
        ({"data": b"\xff\xd8\xff\xe0 not a picture"}, "JPEG"),
        ({"data": huge_png(50_000, 50_000), "encoding": pb.FRAME_ENCODING_PNG}, "--max-frame-pixels"),
        ({"data": bytes(100), "encoding": pb.FRAME_ENCODING_I420, "width": 64, "height": 48}, "4608"),
        ({"data": b"", "encoding": pb.FRAME_ENCODING_RGB24}, "width"),
        ({"data": bytes(27), "encoding": pb.FRAME_ENCODING_I420, "width": 3, "height": 6}, "even"),
        ({"capture_time_s": -100.0}, "went back"),
        ({"capture_time_s": float("nan")}, "capture_time_s"),
    ],
)
async def test_a_bad_frame_is_that_frames_error(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes, fields: dict[str, Any], reason: str
) -> None:
    """A frame that cannot be used is answered with why; the frames around it are scored."""
    stub = connect(server)
    bad = frame_request(**{"data": portrait_jpeg, "sequence": 1, **fields})
    good_before, good_after = frame_request(portrait_jpeg, 0), frame_request(portrait_jpeg, 2)
    responses = await assess(stub, good_before, bad, good_after)
    first, failed, after = (response.assessment for response in responses[1:4])
    assert first.result == pb.FRAME_RESULT_SCORED
    assert failed.result == pb.FRAME_RESULT_ERROR
    assert failed.state == pb.STREAM_STATE_DECODE_ERROR
    assert reason in failed.error
    assert failed.quality == pytest.approx(first.quality), "the quality holds"
    assert (failed.frame_width, failed.frame_height) == (0, 0)
    assert after.result == pb.FRAME_RESULT_SCORED
    assert responses[-1].summary.frames_failed == 1


async def test_a_truncated_jpeg_is_an_error(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """Half a JPEG is not scored as if it were whole."""
    stub = connect(server)
    responses = await assess(stub, frame_request(portrait_jpeg[: len(portrait_jpeg) // 2]))
    assert responses[1].assessment.result == pb.FRAME_RESULT_ERROR
    assert not responses[1].assessment.HasField("quality")


@pytest.mark.parametrize(
    ("requests", "code", "text"),
    [
        ([], grpc.StatusCode.FAILED_PRECONDITION, "first request must be a StreamConfig"),
        ([frame_request(b"")], grpc.StatusCode.FAILED_PRECONDITION, "first request must be a StreamConfig"),
        ([config_request(), config_request()], grpc.StatusCode.FAILED_PRECONDITION, "one StreamConfig"),
        ([config_request("x" * 10_000)], grpc.StatusCode.INVALID_ARGUMENT, "stream_id"),
        ([config_request("a\nb")], grpc.StatusCode.INVALID_ARGUMENT, "stream_id"),
        ([config_request(max_fps=-1)], grpc.StatusCode.INVALID_ARGUMENT, "max_fps"),
    ],
)
async def test_a_bad_stream_is_refused(
    server: ServerProcess,
    connect: Connect,
    requests: list[pb.MonitorStreamRequest],
    code: grpc.StatusCode,
    text: str,
) -> None:
    """A stream that breaks the protocol ends with the code that says so, and leaves nothing behind."""
    stub = connect(server)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.MonitorStream(iter(requests)):
            pass
    assert caught.value.code() is code
    assert text in (caught.value.details() or "")
    assert await live_streams(stub) == 0


async def test_a_stream_id_belongs_to_one_stream(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A duplicate id is refused and the stream that holds it goes on."""
    stub = connect(server)
    first = stub.MonitorStream()
    await first.write(config_request())
    await first.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.MonitorStream(iter([config_request()])):
            pass
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    await first.write(frame_request(portrait_jpeg))
    response = await first.read()
    assert isinstance(response, pb.MonitorStreamResponse)
    assert response.assessment.result == pb.FRAME_RESULT_SCORED
    await first.done_writing()
    await read_rest(first)


async def test_a_resume_token_takes_the_stream_over(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A connection with the token goes on where the old one was, which ends; a wrong token is refused."""
    stub = connect(server)
    old = stub.MonitorStream()
    await old.write(config_request())
    accepted = await old.read()
    assert isinstance(accepted, pb.MonitorStreamResponse)
    await old.write(frame_request(portrait_jpeg))
    await old.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.MonitorStream(iter([config_request(resume_token="wrong")])):
            pass
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    requests = [
        config_request(resume_token=accepted.accepted.resume_token),
        frame_request(portrait_jpeg, 1),
    ]
    responses = [response async for response in stub.MonitorStream(iter(requests))]
    assert responses[0].accepted.resumed
    assert responses[-1].summary.frames_scored == 2
    assert await old.code() is grpc.StatusCode.ABORTED
    assert await live_streams(stub) == 0


async def test_a_full_server_refuses_streams(start_server: StartServer, connect: Connect) -> None:
    """One stream too many gets RESOURCE_EXHAUSTED and the flag that moves the limit."""
    from facegauge_server.config import Limits

    stub = connect(await start_server(limits=Limits(max_streams=1)))
    first = stub.MonitorStream()
    await first.write(config_request("one"))
    await first.read()
    with pytest.raises(grpc.aio.AioRpcError, match="--max-streams") as caught:
        async for _ in stub.MonitorStream(iter([config_request("two")])):
            pass
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await first.done_writing()


async def test_an_idle_stream_ends(start_server: StartServer, connect: Connect) -> None:
    """A client that sends nothing gives its place back after the idle timeout."""
    app = await start_server(idle_timeout_s=0.05)
    call = connect(app).MonitorStream()
    await call.write(config_request())
    with pytest.raises(grpc.aio.AioRpcError):
        await read_rest(call)
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "--idle-timeout" in (await call.details() or "")
    assert len(app.table) == 0


async def test_a_stream_without_scores_goes_stale(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """When no score comes for too long, a report comes unasked and the quality is gone."""
    app = await start_server(stale_after_s=0.05)
    call = connect(app).MonitorStream()
    await call.write(config_request())
    await call.write(frame_request(portrait_jpeg))
    states = []
    while pb.STREAM_STATE_STALE not in states:
        response = await call.read()
        assert isinstance(response, pb.MonitorStreamResponse)
        if response.HasField("assessment"):
            states.append(response.assessment.state)
            last = response.assessment
    assert not last.HasField("quality")
    assert not last.HasField("sequence")
    call.cancel()


async def test_a_client_that_vanishes_leaves_nothing(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A connection that breaks mid-frame frees its stream after the resume window; others are untouched."""
    app = await start_server(resume_window_s=0.05)
    stub = connect(app)
    lost = stub.MonitorStream()
    await lost.write(config_request("lost"))
    await lost.read()
    await lost.write(frame_request(portrait_jpeg))
    lost.cancel()
    responses = await assess(stub, *[frame_request(portrait_jpeg, sequence) for sequence in range(5)])
    assert responses[-1].summary.frames_scored == 5
    async with asyncio.timeout(10):
        while len(app.table):
            await asyncio.sleep(0.01)  # until the housekeeper has come by


async def test_a_client_that_never_reads_is_bounded(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A client that sends and never reads is stopped by back-pressure, then ended; others go on."""
    app = await start_server(send_timeout_s=1.0, idle_timeout_s=60.0)
    async with grpc.aio.insecure_channel(str(app.listen), options=SMALL_WINDOW) as channel:
        deaf = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
        await deaf.write(config_request("deaf" * 30, delivery=COMPLETE))
        written = 0

        async def pour() -> None:
            nonlocal written
            while True:
                await deaf.write(frame_request(b"\xff" * FRAME_BYTES, written))
                written += 1

        pouring = asyncio.create_task(pour())
        good = [frame_request(portrait_jpeg, sequence) for sequence in range(5)]
        responses = await assess(connect(app), *good)
        assert responses[-1].summary.frames_scored == 5
        (session,) = app.table.snapshot()
        async with asyncio.timeout(60):
            while len(app.table):
                await asyncio.sleep(0.01)  # until its responses have filled what the network holds
        received = sum(session.frames.values())
        assert session.frames[FrameResult.DROPPED] <= 3 * COMPLETE_CAPACITY, "read, but not answered"
        assert (written - received) * FRAME_BYTES <= MOST_IN_FLIGHT_BYTES, "the client's writes wait"
        with pytest.raises(grpc.aio.AioRpcError, match="--send-timeout") as caught:
            await read_rest(deaf)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


async def test_pictures_are_assessed_alone(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """AssessImage scores a picture without a stream; one that cannot be read is INVALID_ARGUMENT."""
    stub = connect(server)
    response = await stub.AssessImage(pb.AssessImageRequest(data=portrait_jpeg))
    assert response.assessment.result == pb.FRAME_RESULT_SCORED
    assert response.assessment.quality == response.assessment.raw_quality > 0
    assert (response.assessment.frame_width, response.assessment.frame_height) == (768, 768)
    assert not response.assessment.HasField("sequence")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.AssessImage(pb.AssessImageRequest(data=b"GIF89a"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await live_streams(stub) == 0


async def test_streams_are_listed_and_watched(
    server: ServerProcess, connect: Connect, portrait_jpeg: bytes
) -> None:
    """An operator sees the live streams, filtered by call, once or again and again."""
    stub = connect(server)
    call = stub.MonitorStream()
    await call.write(config_request("a", call_id="standup"))
    await call.write(frame_request(portrait_jpeg))
    await call.read()
    await call.read()
    listed = await stub.ListStreams(pb.ListStreamsRequest(call_id="standup"))
    assert [(status.stream_id, status.frames_scored) for status in listed.streams] == [("a", 1)]
    assert listed.streams[0].quality > 0
    assert (await stub.ListStreams(pb.ListStreamsRequest(call_id="other"))).total == 0
    assert not listed.streams[0].causes, "a long list stays small"
    assert listed.server.model.name
    assert listed.server.version == version("facegauge-server")
    assert listed.server.replica.startswith(socket.gethostname())
    (one,) = (await stub.ListStreams(pb.ListStreamsRequest(stream_id="a"))).streams
    assert one.causes
    assert one.raw_quality > 0
    assert 0 < one.answer_time_s < one.age_s
    assert one.tenant == ""
    assert (await stub.ListStreams(pb.ListStreamsRequest(stream_id="b" * 200))).total == 0
    watch = stub.WatchStreams(pb.WatchStreamsRequest(interval_s=0.1))
    for _ in range(2):
        update = await watch.read()
        assert isinstance(update, pb.WatchStreamsResponse)
        assert update.total == 1
        assert update.server == listed.server
    watch.cancel()
    watch = stub.WatchStreams(pb.WatchStreamsRequest(stream_id="a"))
    update = await watch.read()
    assert isinstance(update, pb.WatchStreamsResponse)
    assert [len(each.causes) for each in update.streams] == [len(one.causes)]
    watch.cancel()
    with pytest.raises(grpc.aio.AioRpcError, match="interval_s"):
        await stub.WatchStreams(pb.WatchStreamsRequest(interval_s=1e9)).read()
    await call.done_writing()
    await read_rest(call)


async def test_health_and_reflection_answer(server: ServerProcess) -> None:
    """Load balancers find the server healthy; grpcurl finds the service without the .proto file."""
    async with grpc.aio.insecure_channel(server.listen) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service="facegauge.v1.QualityService"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        async for listing in reflection.ServerReflectionInfo(iter([request])):
            names = {service.name for service in listing.list_services_response.service}
            assert "facegauge.v1.QualityService" in names
