"""Facegauge's SDK: send the frames of a call, read how good each person in it looks to the others.

    async with Client("127.0.0.1:50051") as client:
        async with client.monitor(stream_id="alice", call_id="standup") as stream:
            await stream.send(frame)            # numpy RGB, encoded bytes or an av.VideoFrame
            async for assessment in stream:
                print(assessment.state, assessment.quality)

`facegauge_client.sdk.sync.Client` is its twin for programs without an event loop.
"""

from facegauge_client.sdk.channel import ssl_credentials
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    PictureRejected,
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
    VideoError,
)
from facegauge_client.sdk.frames import EncodedFrame, Picture
from facegauge_client.sdk.stream import MonitorStream
from facegauge_client.sdk.types import (
    Accepted,
    Assessment,
    Box,
    Delivery,
    Face,
    FaceState,
    FrameEncoding,
    FrameResult,
    HealthStatus,
    Notice,
    NoticeKind,
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
    "Client",
    "DeadlineExceeded",
    "Delivery",
    "EncodedFrame",
    "Face",
    "FaceState",
    "FacegaugeError",
    "FrameEncoding",
    "FrameResult",
    "HealthStatus",
    "MonitorStream",
    "Notice",
    "NoticeKind",
    "Picture",
    "PictureRejected",
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
    "VideoError",
    "ssl_credentials",
]
