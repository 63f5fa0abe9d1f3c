"""The load: N live streams at R frames a second, each an RPC of its own, with the time every frame took."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import grpc
import numpy as np

from bench.coded import FPS, CodedCall
from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc

__all__ = ["LoadResult", "play_calls"]

BATCH_S = 0.25
"""Seconds of coded video that travel in one message."""

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


async def play_calls(
    target: str, frames: list[bytes] | CodedCall, streams: int, fps: float, duration_s: float
) -> LoadResult:
    """Play all streams at once; their frames are spread evenly over time, as those of unrelated calls are."""
    result = LoadResult(streams, fps)
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(target, options=options) for _ in range(CONNECTIONS)]
    start_s = time.perf_counter() + 0.5
    try:
        await asyncio.gather(
            *(
                _play_call(channels[n % CONNECTIONS], n, frames, fps, start_s, duration_s, result)
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
    frames: list[bytes] | CodedCall,
    fps: float,
    start_s: float,
    duration_s: float,
    result: LoadResult,
) -> None:
    call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
    sent_s: dict[int, float] = {}

    async def send() -> None:
        config = pb.StreamConfig(stream_id=f"call-{number}", delivery=pb.DELIVERY_LIVE)
        is_coded = isinstance(frames, CodedCall)
        messages_a_second = 1 / BATCH_S if is_coded else fps
        if isinstance(frames, CodedCall):
            config.encoding, config.max_fps = frames.encoding, fps
        await call.write(pb.MonitorStreamRequest(config=config))
        phase_s = random.Random(number).random() / messages_a_second  # noqa: S311 - spreads the load
        for message in range(round(duration_s * messages_a_second)):
            due_s = start_s + phase_s + message / messages_a_second
            await asyncio.sleep(due_s - time.perf_counter())
            batch = _coded_batch(frames, message) if isinstance(frames, CodedCall) else [picture(message)]
            now_s = time.perf_counter()
            sent_s.update((frame.sequence, now_s) for frame in batch)
            result.sent += len(batch)
            if is_coded:
                await call.write(pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=batch)))
            else:
                await call.write(pb.MonitorStreamRequest(frame=batch[0]))
        await call.done_writing()

    def picture(sequence: int) -> pb.Frame:
        assert not isinstance(frames, CodedCall)  # noqa: S101 - narrows
        data = frames[(number * 7 + sequence) % len(frames)]
        return pb.Frame(sequence=sequence, capture_time_s=sequence / fps, data=data)

    async def receive() -> None:
        scored = 0
        while (response := await call.read()) is not grpc.aio.EOF:
            if not isinstance(response, pb.MonitorStreamResponse) or not response.HasField("assessment"):
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


def _coded_batch(call: CodedCall, message: int) -> list[pb.Frame]:
    first, end = (round(index * BATCH_S * FPS) for index in (message, message + 1))
    return [call.frame(sequence) for sequence in range(first, end)]
