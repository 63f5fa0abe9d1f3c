"""Facegauge's SDK: send the frames of a call, read how good each person in it looks to the others.

    async with Client("127.0.0.1:50051") as client:
        async with client.monitor(stream_id="alice", call_id="standup") as stream:
            async with asyncio.TaskGroup() as tasks:    # sending and reading run side by side
                tasks.create_task(send_frames(stream))  # stream.send(frame), at last stream.finish()
                async for assessment in stream:
                    print(assessment.state, assessment.quality)

A frame is a numpy RGB array, encoded bytes or an av.VideoFrame. `facegauge_client.sync.Client` is the same
for programs without an event loop.
"""

from facegauge_client.sdk.channel import ssl_credentials
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    Forbidden,
    PictureRejected,
    QuotaExceeded,
    RequestRejected,
    ResponsesUnread,
    ResumeRefused,
    ServerFailed,
    ServerFull,
    ServerUnavailable,
    StreamClosed,
    StreamExists,
    StreamIdle,
    StreamRejected,
    StreamStalled,
    StreamTakenOver,
    TokenUnavailable,
    Unauthenticated,
    VideoError,
)
from facegauge_client.sdk.frames import EncodedFrame, Picture
from facegauge_client.sdk.stream import MonitorStream
from facegauge_client.sdk.token import Token
from facegauge_client.sdk.types import (
    Accepted,
    Assessment,
    Box,
    CallList,
    CallStatus,
    Cause,
    CauseKind,
    CauseTime,
    Decode,
    Delivery,
    Event,
    EventKind,
    EventPosition,
    EventsMissed,
    Face,
    FaceState,
    FrameEncoding,
    FrameResult,
    HealthStatus,
    Model,
    MosEstimate,
    Notice,
    NoticeKind,
    QualityBand,
    StateTime,
    StreamList,
    StreamState,
    StreamStatus,
    Summary,
)

__all__ = [
    "Accepted",
    "Assessment",
    "Box",
    "CallList",
    "CallStatus",
    "Cause",
    "CauseKind",
    "CauseTime",
    "Client",
    "DeadlineExceeded",
    "Decode",
    "Delivery",
    "EncodedFrame",
    "Event",
    "EventKind",
    "EventPosition",
    "EventsMissed",
    "Face",
    "FaceState",
    "FacegaugeError",
    "Forbidden",
    "FrameEncoding",
    "FrameResult",
    "HealthStatus",
    "Model",
    "MonitorStream",
    "MosEstimate",
    "Notice",
    "NoticeKind",
    "Picture",
    "PictureRejected",
    "QualityBand",
    "QuotaExceeded",
    "RequestRejected",
    "ResponsesUnread",
    "ResumeRefused",
    "ServerFailed",
    "ServerFull",
    "ServerUnavailable",
    "StateTime",
    "StreamClosed",
    "StreamExists",
    "StreamIdle",
    "StreamList",
    "StreamRejected",
    "StreamStalled",
    "StreamState",
    "StreamStatus",
    "StreamTakenOver",
    "Summary",
    "Token",
    "TokenUnavailable",
    "Unauthenticated",
    "VideoError",
    "ssl_credentials",
]
