"""A small, honest gRPC server in this process, whose behaviour a test scripts: for what only clients do.

It speaks the interface as the real server does, without scoring: every frame is answered with its sequence
and a quality of a half. Whatever asks for a score runs against the real server, in tests/end_to_end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc


def error_metadata(
    code: grpc.StatusCode, message: str, reason: str, domain: str = "facegauge"
) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata of an error whose ErrorInfo has this reason."""
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain))
    status = status_pb2.Status(code=code.value[0], message=message, details=[packed])
    metadata: tuple[tuple[str, bytes], ...] = tuple(rpc_status.to_status(status).trailing_metadata)
    return metadata


class ScriptedService(quality_pb2_grpc.QualityServiceServicer):
    """Answers every frame, unless scripted otherwise."""

    def __init__(self) -> None:
        self.configs: list[pb.StreamConfig] = []
        self.metadata: list[dict[str, str]] = []
        """What came with each call, beside its messages."""
        self.frames: list[pb.Frame] = []
        self.refusals: list[tuple[grpc.StatusCode, str]] = []
        """Consumed one by one by the next streams, which end with them before they are accepted."""
        self.break_after_frames: list[int] = []
        """Consumed one by one by the next streams, which end with `break_with` after so many frames."""
        self.break_with = grpc.StatusCode.UNAVAILABLE
        self.break_reason = ""
        """Reason of the ErrorInfo sent with `break_with`; empty: none is sent, as by an older server."""
        self.forget_streams = False
        """Whether a resume token is unknown, as after a restart."""
        self.drain_after_frames: list[int] = []
        """Consumed one by one by the next streams, which drain after so many frames."""
        self.reading = asyncio.Event()
        """While it is clear, frames are left unread."""
        self.reading.set()
        self.accepting = asyncio.Event()
        """While it is clear, streams are left without an answer."""
        self.accepting.set()
        self.answers_a_frame = 1
        self.checkpoint_frames = 0
        """A checkpoint comes with the answer of every frame whose number is a multiple; 0: with none."""
        self.goes_on = False
        """Whether a checkpoint is taken where `forget_streams` refuses tokens."""

    async def MonitorStream(  # type: ignore[override]  # noqa: N802 - gRPC's name; it writes, not yields
        self, requests: AsyncIterator[pb.MonitorStreamRequest], context: Any
    ) -> None:
        config = (await anext(requests)).config
        self.configs.append(config)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        await self.accepting.wait()
        if self.refusals:
            await context.abort(*self.refusals.pop(0))
        left = self.break_after_frames.pop(0) if self.break_after_frames else None
        drain = self.drain_after_frames.pop(0) if self.drain_after_frames else None
        goes_on = self.goes_on and bool(config.checkpoint)
        accepted = pb.StreamAccepted(
            config=config,
            resume_token=f"token-{len(self.configs)}",
            resumed=goes_on or (bool(config.resume_token) and not self.forget_streams),
            max_message_bytes=16 * 2**20,
        )
        if goes_on:
            accepted.resumed_after_sequence = int(config.checkpoint)
        await context.write(pb.MonitorStreamResponse(accepted=accepted))
        count = 0
        while True:
            await self.reading.wait()
            if left is not None and count == left:
                words = "the line broke"
                has_reason = bool(self.break_reason)
                metadata = error_metadata(self.break_with, words, self.break_reason) if has_reason else ()
                await context.abort(self.break_with, words, metadata)
            if count == drain:
                notice = pb.Notice(kind=pb.Notice.KIND_DRAINING, text="going down")
                await context.write(pb.MonitorStreamResponse(notice=notice))
                break
            request = await anext(requests, None)
            if request is None:
                break
            count += 1
            self.frames.append(request.frame)
            number = request.frame.sequence
            is_due = bool(self.checkpoint_frames) and number % self.checkpoint_frames == 0
            for _ in range(self.answers_a_frame):
                response = pb.MonitorStreamResponse(assessment=_assessment(config, request.frame))
                if is_due:
                    response.checkpoint = b"%d" % number
                await context.write(response)
        summary = pb.StreamSummary(stream_id=config.stream_id, mean_quality=0.5, frames_scored=count)
        await context.write(pb.MonitorStreamResponse(summary=summary))


def _assessment(config: pb.StreamConfig, frame: pb.Frame) -> pb.Assessment:
    return pb.Assessment(
        stream_id=config.stream_id,
        sequence=frame.sequence,
        capture_time_s=frame.capture_time_s,
        result=pb.FRAME_RESULT_SCORED,
        state=pb.STREAM_STATE_SCORED,
        quality=0.5,
        raw_quality=0.5,
    )


StartService = Callable[[ScriptedService], Awaitable[str]]


@pytest.fixture
async def start_service() -> AsyncIterator[StartService]:
    """Serves on a free port; returns the target."""
    async with AsyncExitStack() as stack:

        async def start(service: ScriptedService) -> str:
            server = grpc.aio.server()
            quality_pb2_grpc.add_QualityServiceServicer_to_server(service, server)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            stack.push_async_callback(server.stop, 0)
            return f"127.0.0.1:{port}"

        yield start


@pytest.fixture
async def service() -> ScriptedService:
    return ScriptedService()  # type: ignore[abstract]  # what is left out is answered with UNIMPLEMENTED


@pytest.fixture
async def target(service: ScriptedService, start_service: StartService) -> str:
    """HOST:PORT of `service`."""
    return await start_service(service)
