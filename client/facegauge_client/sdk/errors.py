"""What can go wrong for a caller of the SDK, each class saying who must act.

    FacegaugeError
    ├── ServerUnavailable    the operator: no server answers at the target, or it went away
    ├── ServerFailed         us: the server broke the interface or failed inside
    ├── RequestRejected      the caller: the server will not take this request, and says why
    │   ├── StreamRejected       this stream's configuration or its frames' order
    │   ├── StreamExists         the stream id is live on another connection
    │   ├── StreamTakenOver      another connection showed this stream's resume token
    │   └── ServerFull           a limit of the server; later, or with less
    ├── DeadlineExceeded     the operator: the server answers too slowly
    ├── StreamIdle           the caller: no frame came within the server's idle timeout
    ├── StreamStalled        the caller or the operator: frames or answers are not being read
    ├── StreamClosed         the caller: the stream has ended, no more frames go in
    └── VideoError           the caller: a file is no video or picture that can be read

A picture of a wrong type or shape is a plain TypeError or ValueError, raised where it is handed over.
"""

from __future__ import annotations

__all__ = [
    "DeadlineExceeded",
    "FacegaugeError",
    "RequestRejected",
    "ServerFailed",
    "ServerFull",
    "ServerUnavailable",
    "StreamClosed",
    "StreamExists",
    "StreamIdle",
    "StreamRejected",
    "StreamStalled",
    "StreamTakenOver",
    "VideoError",
]


class FacegaugeError(Exception):
    """Base of all that this package raises on purpose; its text is one sentence that names the way out."""


class ServerUnavailable(FacegaugeError):
    """No server answers at the target, or the one that did has gone away."""


class ServerFailed(FacegaugeError):
    """The server failed inside, or does not speak this interface."""


class RequestRejected(FacegaugeError):
    """The server will not take this request; the text carries its reason."""


class StreamRejected(RequestRejected):
    """The stream's configuration is not acceptable, or its messages came in a wrong order."""


class StreamExists(RequestRejected):
    """The stream id is live on another connection."""


class StreamTakenOver(RequestRejected):
    """Another connection showed this stream's resume token and goes on with it."""


class ServerFull(RequestRejected):
    """A limit of the server is reached: its streams, or the size of a message."""


class DeadlineExceeded(FacegaugeError):
    """The server did not answer in time."""


class StreamIdle(FacegaugeError):
    """The server ended the stream, for no frame came within its idle timeout."""


class StreamStalled(FacegaugeError):
    """A complete stream makes no progress: the server takes no frames, or nobody reads the assessments."""


class StreamClosed(FacegaugeError):
    """The stream has ended; it takes no more frames."""


class VideoError(FacegaugeError):
    """A file cannot be read as a video or a picture."""
