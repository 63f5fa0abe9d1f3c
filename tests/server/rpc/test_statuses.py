"""Every error that the service sends says by a code and a reason what went wrong; defects say an id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from google.rpc import code_pb2, error_details_pb2, status_pb2

from facegauge.v1 import quality_pb2 as pb
from facegauge_server import errors
from facegauge_server.config import Limits
from facegauge_server.pipeline import Pipeline
from facegauge_server.rpc.statuses import STATUSES
from tests.server.conftest import Connect, StartServer, config_request, frame_request, read_rest

PROTO = Path(__file__).parents[3] / "proto/facegauge/v1/quality.proto"


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The rich status of an error, which says what the plain one says."""
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return status


def reason_of(error: grpc.aio.AioRpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    assert status_of(error).details[0].Unpack(info)
    assert info.domain == "facegauge"
    reason: str = info.reason
    return reason


async def error_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_rest(call)
    return caught.value


def leaves(error: type[errors.FacegaugeError]) -> Iterator[type[errors.FacegaugeError]]:
    below = [each for each in error.__subclasses__() if each.__module__ == errors.__name__]
    if not below:
        yield error
    for each in below:
        yield from leaves(each)


def test_every_error_that_a_call_can_end_with_is_in_the_map() -> None:
    """One entry for each error but the operator's, which end the server at startup; reasons are unique."""
    mapped = set(STATUSES)
    assert mapped == set(leaves(errors.FacegaugeError)) - set(leaves(errors.OperatorError))
    reasons = {pb.ErrorReason.Name(reason) for _, reason in STATUSES.values()}
    unused = {"ERROR_REASON_UNSPECIFIED", "ERROR_REASON_INTERNAL"}
    assert reasons == set(pb.ErrorReason.keys()) - unused
    assert len(reasons) == len(STATUSES)


@pytest.mark.parametrize(("code", "reason"), STATUSES.values())
def test_the_codes_are_those_of_the_proto(code: grpc.StatusCode, reason: pb.ErrorReason.ValueType) -> None:
    """The comment of each reason in the .proto file begins with its status code."""
    lines = PROTO.read_text().splitlines()
    name = pb.ErrorReason.Name(reason)
    (number,) = (number for number, line in enumerate(lines) if line.strip().startswith(f"{name} ="))
    assert lines[number - 1].strip().startswith(f"// {code.name}.")
    assert code.value[0] == code_pb2.Code.Value(code.name)


async def test_errors_of_a_stream(start_server: StartServer, connect: Connect) -> None:
    """What the client did is told apart, also where the code is the same."""
    app = await start_server(idle_timeout_s=0.2, limits=Limits(max_streams=1))
    stub = connect(app)
    wrong = await error_of(stub.MonitorStream(iter([config_request("", display_lines=1)])))
    assert reason_of(wrong) == "INVALID_CONFIG"
    fields = error_details_pb2.BadRequest()
    assert status_of(wrong).details[1].Unpack(fields)
    assert {violation.field for violation in fields.field_violations} == {"stream_id", "display_lines"}
    assert reason_of(await error_of(stub.MonitorStream(iter([frame_request(b"")])))) == "PROTOCOL_VIOLATION"
    without_config = await error_of(stub.MonitorStream())
    assert (without_config.code(), reason_of(without_config)) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "STREAM_IDLE",
    )

    first = stub.MonitorStream()
    await first.write(config_request("a"))
    accepted = await first.read()
    assert isinstance(accepted, pb.MonitorStreamResponse)
    for request, reason in (
        (config_request("a"), "STREAM_EXISTS"),
        (config_request("a", resume_token="wrong"), "RESUME_REFUSED"),
        (config_request("b"), "SERVER_FULL"),
    ):
        assert reason_of(await error_of(stub.MonitorStream(iter([request])))) == reason
    token = accepted.accepted.resume_token
    second = stub.MonitorStream(iter([config_request("a", resume_token=token)]))
    assert reason_of(await error_of(first)) in {"TAKEN_OVER", "STREAM_IDLE"}
    await read_rest(second)


async def test_a_stream_that_is_taken_over_says_so(start_server: StartServer, connect: Connect) -> None:
    """The old connection's error is not the one of a stream that breaks."""
    stub = connect(await start_server())
    old = stub.MonitorStream()
    await old.write(config_request())
    accepted = await old.read()
    assert isinstance(accepted, pb.MonitorStreamResponse)
    new = stub.MonitorStream()
    await new.write(config_request(resume_token=accepted.accepted.resume_token))
    assert reason_of(await error_of(old)) == "TAKEN_OVER"
    await new.done_writing()
    await read_rest(new)


async def test_errors_of_the_other_calls(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """Unary calls and the watch carry reasons as well; draining is UNAVAILABLE everywhere."""
    app = await start_server()
    stub = connect(app)

    async def reason(call: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        return reason_of(caught.value)

    assert await reason(stub.AssessImage(pb.AssessImageRequest(data=b"GIF89a"))) == "BAD_FRAME"
    assert await reason(stub.AssessImage(pb.AssessImageRequest(display_lines=1))) == "INVALID_CONFIG"
    assert await reason(stub.ListStreams(pb.ListStreamsRequest(limit=99_999))) == "INVALID_CONFIG"
    assert await reason(stub.WatchStreams(pb.WatchStreamsRequest(interval_s=1e9)).read()) == "INVALID_CONFIG"
    app.table.drain(0.0)
    assert await reason(stub.AssessImage(pb.AssessImageRequest(data=portrait_jpeg))) == "DRAINING"
    assert reason_of(await error_of(stub.MonitorStream(iter([config_request()])))) == "DRAINING"


async def test_a_defect_gets_an_id_that_the_log_explains(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody expected is INTERNAL: no internals for the client, one log line for us."""

    async def broken(*_: object) -> None:
        raise RuntimeError("the secret of /etc")

    app = await start_server(resume_window_s=0)
    stub = connect(app)
    monkeypatch.setattr(Pipeline, "assess", broken)
    requests = [config_request(), frame_request(portrait_jpeg)]
    for name in ("MonitorStream", "AssessImage"):
        with structlog.testing.capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as caught:
            if name == "MonitorStream":
                await read_rest(stub.MonitorStream(iter(requests)))
            else:
                await stub.AssessImage(pb.AssessImageRequest(data=portrait_jpeg))
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert reason_of(caught.value) == "INTERNAL"
        assert "secret" not in (caught.value.details() or "")
        (line,) = (line for line in logs if line["event"] == "internal error")
        assert line["rpc"] == name
        assert line["error_id"] in (caught.value.details() or "")
        assert isinstance(line["exc_info"], RuntimeError)
    assert len(app.table) == 0
