"""One connection of a stream: a call that the server has accepted, until it breaks or ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import grpc
import grpc.aio

from facegauge_client.sdk import proto_codec
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    ServerFailed,
    ServerUnavailable,
    StreamIdle,
)
from facegauge_client.sdk.failures import explain_call, unavailable
from facegauge_client.sdk.mailbox import Mailbox, MailboxClosed
from facegauge_client.sdk.stream_header import stream_metadata
from facegauge_client.sdk.tally import Outgoing, Tally
from facegauge_client.sdk.token import Metadata
from facegauge_client.sdk.types import Accepted, Decode, Delivery, FrameEncoding, Summary

__all__ = ["Connection", "OpenCall", "StreamOptions"]

OpenCall = Callable[..., Any]
"""Function that starts a MonitorStream call on a channel; takes the call's `metadata`."""

_MAX_BATCH_FRAMES = 256
_FRAME_OVERHEAD_BYTES = 64
"""Bytes of a frame in a message beside its data; some 40 in truth."""
_WRITE_FAILED = "Internal error from Core"
"""Details that grpc.aio reports instead of the call's own status when a write meets the end of the call."""
_REFUSAL_WAIT_S = 1.0
"""How long the second try waits for a refusal before it writes; see `_begin`."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Settings of a stream; the fields up to `time_constant_s` are those of StreamConfig."""

    stream_id: str
    call_id: str = ""
    delivery: Delivery = Delivery.LIVE
    max_fps: float = 0.0
    min_fps: float = 0.0
    display_lines: int = 0
    median_window: int | None = None
    time_constant_s: float | None = None
    connect_timeout_s: float = 5.0
    reconnect_timeout_s: float | None = None
    stall_timeout_s: float = 30.0
    mailbox_frames: int = 1
    unread_assessments: int = 1024
    encoding: FrameEncoding | None = None
    """Encoding of coded video; None for pictures, which say it themselves."""
    decode: Decode = Decode.AUTO
    batch_interval_s: float = 0.0
    checkpoint: bytes = b""
    """Of a stream to go on with from the first connection on."""

    @property
    def is_coded(self) -> bool:
        """Whether frames depend on those before them."""
        return self.encoding is not None and self.encoding.is_coded


class Connection:
    """One accepted call; `open` makes it, `carry` works it to its end."""

    def __init__(self, call: Any, accepted: Accepted, target: str, options: StreamOptions) -> None:
        self._call = call  # a grpc.aio.StreamStreamCall, whose stubs lose the messages' types on the way
        self._target = target
        self._options = options
        self.accepted = accepted
        self.ended = False

    @classmethod
    async def open(
        cls,
        open_call: OpenCall,
        target: str,
        options: StreamOptions,
        resume_token: str,
        checkpoint: bytes = b"",
        metadata: Metadata = (),
    ) -> Connection:
        """Begin a call and have the stream accepted, within the connect timeout; else a FacegaugeError."""
        config = proto_codec.config_request(
            stream_id=options.stream_id,
            call_id=options.call_id,
            delivery=options.delivery,
            max_fps=options.max_fps,
            min_fps=options.min_fps,
            display_lines=options.display_lines,
            median_window=options.median_window,
            time_constant_s=options.time_constant_s,
            resume_token=resume_token,
            checkpoint=checkpoint,
            encoding=options.encoding,
            decode=options.decode,
        )
        call, message = await _begin(open_call, target, options, config, metadata)
        accepted = proto_codec.read_response(message) if message is not grpc.aio.EOF else None
        if not isinstance(accepted, Accepted):
            call.cancel()
            raise ServerFailed(f"{target} did not accept the stream first; is it a Facegauge server?")
        return cls(call, accepted, target, options)

    async def carry(
        self,
        frames: Mailbox[Outgoing],
        take: Callable[[proto_codec.Response | None, bytes], Awaitable[None]],
        tally: Tally,
    ) -> FacegaugeError | None:
        """Send frames and pass responses, with checkpoints that come along, to `take` until the call is over.

        Returns what broke it, or None where the server sent its summary. The request side is closed once
        `frames` is closed and empty.
        """
        call = self._call
        writer = asyncio.create_task(self._write(frames, tally))
        summed_up = False
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                response = proto_codec.read_response(message)
                summed_up = summed_up or isinstance(response, Summary)
                await take(response, message.checkpoint)
            if await call.code() is not grpc.StatusCode.OK and not summed_up:
                return await _failure(call, self._target)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            if not summed_up:
                return await _failure(call, self._target)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            call.cancel()
            self.ended = True
        return None if summed_up else ServerFailed(f"{self._target} ended the stream without its summary")

    def cancel(self) -> None:
        """Break the call off."""
        self._call.cancel()

    async def _write(self, frames: Mailbox[Outgoing], tally: Tally) -> None:
        """Send frames as they come; the reader learns why a connection breaks."""
        try:
            dropped = frames.dropped
            while True:
                items = [await frames.get()]
                if self._options.is_coded:
                    items += await self._gather(frames, items[0])
                    if frames.dropped != dropped:
                        dropped = frames.dropped
                        whole = replace(items[0].frame, discontinuity=True)
                        items[0] = replace(items[0], frame=whole)
                for item in items:
                    tally.begin(item)
                await self._call.write(proto_codec.frames_request(items))
                for _ in items:
                    tally.written()
        except MailboxClosed:
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return

    async def _gather(self, frames: Mailbox[Outgoing], first: Outgoing) -> list[Outgoing]:
        """Take what may travel in one message with a frame, after the wait for more that was asked for."""
        if self._options.batch_interval_s and not frames.closed:
            await asyncio.sleep(self._options.batch_interval_s)
        room = self.accepted.max_message_bytes - len(first.frame.data) - _FRAME_OVERHEAD_BYTES
        return frames.take_while(_Room(room, _MAX_BATCH_FRAMES - 1).takes)


class _Room:
    """What is left of a message."""

    def __init__(self, size: int, frames: int) -> None:
        self._bytes = size
        self._frames = frames

    def takes(self, item: Outgoing) -> bool:
        """Count a frame in, if it fits."""
        self._bytes -= len(item.frame.data) + _FRAME_OVERHEAD_BYTES
        self._frames -= 1
        return self._bytes >= 0 and self._frames >= 0


async def _begin(
    open_call: OpenCall,
    target: str,
    options: StreamOptions,
    config: Any,
    metadata: Metadata,
) -> tuple[Any, Any]:
    """Open a call, send its first message and return the call with the first answer.

    A server that refuses a caller ends the call at once, often while the first message is being written, and
    gRPC then tells only that the write failed. The second try therefore writes once no refusal has come.
    """
    for is_second in (False, True):
        call = open_call(metadata=(*stream_metadata(options.stream_id), *metadata))
        try:
            async with asyncio.timeout(options.connect_timeout_s):
                if is_second:
                    wait_s = min(_REFUSAL_WAIT_S, options.connect_timeout_s / 2)
                    await asyncio.wait([asyncio.ensure_future(call.code())], timeout=wait_s)
                if not call.done():
                    await call.write(config)
                return call, await call.read()
        except TimeoutError:
            call.cancel()
            raise unavailable(target, f"no answer within {options.connect_timeout_s:g} s") from None
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            if is_second or not await _hides_its_end(call):
                raise await _failure(call, target) from None
    raise AssertionError("the second try returns or raises")


async def _failure(call: Any, target: str) -> FacegaugeError:
    """Say why a call is over."""
    details = await call.details()
    if await _hides_its_end(call):
        return ServerUnavailable(f"the connection to {target} broke; see the server's log")
    error = await explain_call(call, target)
    if isinstance(error, DeadlineExceeded):
        # A stream has no deadline of its own: a server that names no reason means the more frequent one.
        return StreamIdle(details or "no frame arrived within the server's idle timeout; send one in time")
    return error


async def _hides_its_end(call: Any) -> bool:
    """Whether a call that is over has lost the status that it ended with."""
    return await call.code() is grpc.StatusCode.INTERNAL and await call.details() == _WRITE_FAILED
