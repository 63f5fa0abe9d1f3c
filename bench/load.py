"""The load: N live streams at R frames a second, each an RPC of its own, with the time every frame took."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import grpc
import numpy as np

from bench.coded import FPS, CodedCall
from facegauge.v1 import quality_pb2 as pb
from facegauge_client.sdk.stream_header import STREAM_ID_HEADER

__all__ = ["BATCH_S", "LoadResult", "play_calls"]

BATCH_S = 0.25
"""Seconds of coded video that travel in one message, unless told otherwise."""
METHOD = f"/{pb.DESCRIPTOR.services_by_name['QualityService'].full_name}/MonitorStream"

CONNECTIONS = 8
"""Channels that the streams share, as the media servers of one back end would."""


@dataclass(slots=True)
class LoadResult:
    """What the client's side saw."""

    streams: int
    fps: float
    sent: int = 0
    scored: int = 0
    dropped: int = 0
    failed: int = 0
    refused: int = 0
    """Streams that the server did not take."""
    latencies_s: list[float] = field(default_factory=list)
    """Time from sending a frame to its assessment."""
    scored_by_stream: list[int] = field(default_factory=list)
    """Scored frames of each stream that the server accepted."""

    def percentile_ms(self, percent: float) -> float:
        """Latency in milliseconds; NaN when nothing was answered."""
        return float(np.percentile(self.latencies_s, percent)) * 1000 if self.latencies_s else float("nan")

    @property
    def min_fair_share(self) -> float:
        """Minimum fair share: scored frames of the worst stream over the mean stream's; 1 is fair."""
        total = sum(self.scored_by_stream)
        return min(self.scored_by_stream) * len(self.scored_by_stream) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    """A message as it goes over the wire, with the numbers of its frames."""

    data: bytes
    sequences: range


async def play_calls(
    target: str,
    frames: list[bytes] | CodedCall,
    streams: int,
    fps: float,
    duration_s: float,
    batch_s: float = BATCH_S,
    credentials: grpc.ChannelCredentials | None = None,
) -> LoadResult:
    """Play all streams at once; their frames are spread evenly over time, as those of unrelated calls are.

    Messages of coded video are made before the start, once for all calls: each carries `batch_s` of a call,
    every layer of it, as a media server forwards them. With `credentials`, the channels speak TLS.
    """
    result = LoadResult(streams, fps)
    coded: list[_Request] = []
    if isinstance(frames, CodedCall):
        coded = [_coded_request(frames, number, batch_s) for number in range(round(duration_s / batch_s))]

    def requests_of(number: int) -> Iterable[_Request]:
        if isinstance(frames, CodedCall):
            return coded
        return _pictures(frames, number, fps, round(duration_s * fps))

    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(target, options=options)
        if credentials is None
        else grpc.aio.secure_channel(target, credentials, options=options)
        for _ in range(CONNECTIONS)
    ]
    start_s = time.perf_counter() + 0.5
    try:
        await asyncio.gather(
            *(
                _play_call(
                    channels[n % CONNECTIONS],
                    n,
                    _config(n, frames, fps),
                    requests_of(n),
                    1 / batch_s if coded else fps,
                    start_s,
                    result,
                )
                for n in range(streams)
            )
        )
    finally:
        for channel in channels:
            await channel.close()
    return result


async def _play_call(
    channel: grpc.aio.Channel,
    number: int,
    config: bytes,
    requests: Iterable[_Request],
    requests_a_second: float,
    start_s: float,
    result: LoadResult,
) -> None:
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)(
        metadata=((STREAM_ID_HEADER, f"call-{number}"),)
    )
    sent_s: dict[int, float] = {}

    async def send() -> None:
        await call.write(config)
        phase_s = random.Random(number).random() / requests_a_second  # noqa: S311 - spreads the load
        for index, request in enumerate(requests):
            due_s = start_s + phase_s + index / requests_a_second
            await asyncio.sleep(due_s - time.perf_counter())
            now_s = time.perf_counter()
            sent_s.update((sequence, now_s) for sequence in request.sequences)
            result.sent += len(request.sequences)
            await call.write(request.data)
        await call.done_writing()

    async def receive() -> None:
        scored = 0
        while (data := await call.read()) is not grpc.aio.EOF:
            assert isinstance(data, bytes)  # noqa: S101 - narrows: there is no deserializer
            response = pb.MonitorStreamResponse.FromString(data)
            if not response.HasField("assessment"):
                continue
            assessment = response.assessment
            result.dropped += assessment.frames_dropped
            if assessment.HasField("sequence"):
                result.latencies_s.append(time.perf_counter() - sent_s.pop(assessment.sequence))
                is_scored = assessment.result == pb.FRAME_RESULT_SCORED
                scored += is_scored
                result.failed += not is_scored
        result.scored += scored
        result.scored_by_stream.append(scored)

    try:
        await asyncio.gather(send(), receive())
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
        result.refused += 1


def _config(number: int, frames: list[bytes] | CodedCall, fps: float) -> bytes:
    config = pb.StreamConfig(stream_id=f"call-{number}", delivery=pb.DELIVERY_LIVE)
    if isinstance(frames, CodedCall):
        config.encoding, config.max_fps = frames.encoding, fps
    return pb.MonitorStreamRequest(config=config).SerializeToString()


def _coded_request(call: CodedCall, number: int, batch_s: float) -> _Request:
    sequences = range(*(round(index * batch_s * FPS) for index in (number, number + 1)))
    batch = pb.FrameBatch(frames=[call.frame(sequence) for sequence in sequences])
    return _Request(pb.MonitorStreamRequest(frames=batch).SerializeToString(), sequences)


def _pictures(frames: list[bytes], number: int, fps: float, count: int) -> Iterator[_Request]:
    for sequence in range(count):
        data = frames[(number * 7 + sequence) % len(frames)]
        frame = pb.Frame(sequence=sequence, capture_time_s=sequence / fps, data=data)
        yield _Request(
            pb.MonitorStreamRequest(frame=frame).SerializeToString(), range(sequence, sequence + 1)
        )
