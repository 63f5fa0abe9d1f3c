"""What was refused leaves memory at once, not when the garbage collector comes round to it."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest

from facegauge.v1 import quality_pb2 as pb
from tests.server.conftest import Connect, StartServer, config_request, frame_request, read_rest

BODY_BYTES = 2 * 2**20
CALLS = 6
BODY = b"\xff\xd8" + bytes(BODY_BYTES - 2)

Refused = Callable[[Any, int], Awaitable[Any]]


async def stream(stub: Any, *requests: pb.MonitorStreamRequest) -> list[pb.MonitorStreamResponse]:
    return await read_rest(stub.MonitorStream(iter(requests)))


async def undecodable_picture(stub: Any, _: int) -> Any:
    await stub.AssessImage(pb.AssessImageRequest(encoding=pb.FRAME_ENCODING_JPEG, data=BODY))


async def undecodable_frame(stub: Any, number: int) -> Any:
    responses = await stream(stub, config_request(f"s{number}"), frame_request(BODY))
    assert pb.FRAME_RESULT_ERROR in [response.assessment.result for response in responses]


async def long_first_message(stub: Any, _: int) -> Any:
    await stream(stub, frame_request(BODY))


async def second_config(stub: Any, number: int) -> Any:
    await stream(stub, config_request(f"s{number}"), config_request("x", call_id=BODY.decode("latin1")))


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keeps the collector away, so that only reference counts free memory."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_refused_bytes_are_freed(start_server: StartServer, connect: Connect) -> None:
    """Errors hold no message: neither their tracebacks nor gRPC keep the frames that had it."""
    stub = connect(await start_server())

    async def once(refused: Refused, number: int) -> None:
        with suppress(grpc.aio.AioRpcError):
            await refused(stub, number)

    numbers = itertools.count()  # each stream has an id of its own
    for refused in (undecodable_picture, undecodable_frame, long_first_message, second_config):
        await once(refused, next(numbers))
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(CALLS):
            await once(refused, next(numbers))
        after, _ = tracemalloc.get_traced_memory()
        assert after - before < BODY_BYTES, refused.__name__
