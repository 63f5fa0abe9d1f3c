"""A real server in this process, and what a caller needs to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_server.app import App, running
from facegauge_server.config import Address, Config
from facegauge_server.kinds import FAULTS
from tests.end_to_end.conftest import ServerProcess, run_server

# onnx2torch's own: it indexes with a list of slices, which torch says it will not take some day.
SLICES = "ignore:Using a non-tuple sequence for multidimensional indexing:UserWarning"

if TYPE_CHECKING:
    from facegauge.v1.quality_pb2_grpc import QualityServiceAsyncStub

StartServer = Callable[..., Awaitable[App]]
Connect = Callable[[App | ServerProcess], "QualityServiceAsyncStub"]


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """Starts servers on free ports, with any setting changed, and drains them at the end."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> App:
            settings.setdefault("drain_grace_s", 1.0)
            settings.setdefault("precision", "f32")  # to choose one takes longer than all else of a start
            config = Config(
                listen=Address("127.0.0.1", 0), metrics_listen=Address("127.0.0.1", 0), workers=1, **settings
            )
            return await stack.enter_async_context(running(config))

        yield start


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with its defaults, for all tests of a file that only talk to one."""
    with run_server("--workers", "1") as process:
        yield process


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects to a server."""
    channels: list[grpc.aio.Channel] = []

    def open_channel(app: App | ServerProcess) -> QualityServiceAsyncStub:
        channels.append(grpc.aio.insecure_channel(str(app.listen)))
        return quality_pb2_grpc.QualityServiceStub(channels[-1])

    yield open_channel
    for channel in channels:
        await channel.close()


def config_request(stream_id: str = "stream", **fields: Any) -> pb.MonitorStreamRequest:
    """A stream's first request."""
    return pb.MonitorStreamRequest(config=pb.StreamConfig(stream_id=stream_id, **fields))


def frame_request(data: bytes, sequence: int = 0, **fields: Any) -> pb.MonitorStreamRequest:
    """One frame, a fifth of a second after the one before."""
    fields.setdefault("capture_time_s", sequence / 5)
    return pb.MonitorStreamRequest(frame=pb.Frame(sequence=sequence, data=data, **fields))


async def read_rest(call: Any) -> list[pb.MonitorStreamResponse]:
    """Read a call to its end."""
    responses = []
    while (response := await call.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


def faults_of(causes: Iterable[Any]) -> list[Any]:
    """Those causes, or times of causes, that are faults of the stream; the student's are of the picture."""
    return [
        cause
        for cause in causes
        if pb.CauseKind.Name(cause.kind).removeprefix("CAUSE_KIND_").lower() in set(FAULTS)
    ]
