"""Errors that a caller of the SDK may get; each class says who must act.

    FacegaugeError
    ├── ServerUnavailable    the operator: no server answers at the target, or it is shutting down
    ├── ServerFailed         the server's developers: it failed inside or broke the interface
    ├── RequestRejected      the caller: the server refuses the request and says why
    │   ├── StreamRejected       the stream's configuration, or the order of its messages
    │   ├── PictureRejected      a picture that cannot be read (`assess_image`)
    │   ├── StreamExists         the stream id is live, or waits for the client whose connection broke
    │   ├── ResumeRefused        the resume token is not that of the stream
    │   ├── CheckpointRefused    the checkpoint does not hold; `reason` says why
    │   ├── StreamTakenOver      another connection resumed the stream
    │   ├── ServerFull           a limit of the server; try later, or with less
    │   ├── QuotaExceeded        the tenant has all the streams that it may; try later
    │   ├── Unauthenticated      there is no token, or one that does not hold
    │   └── Forbidden            the token does not allow it
    ├── TokenUnavailable     the caller: its function or file gives no token
    ├── DeadlineExceeded     the operator: the server answers too slowly
    ├── StreamIdle           the caller: no frame arrived within the server's idle timeout
    ├── ResponsesUnread      the caller: responses were left unread for longer than the server waits
    ├── StreamStalled        the caller or the operator: frames or assessments are not being read
    ├── StreamClosed         the caller: the stream has ended and takes no more frames
    └── VideoError           the caller: a file is not a video or picture that can be read

`failures.ERRORS_BY_REASON` maps the interface's ErrorReason to these classes. A picture of a wrong type or
shape is a plain TypeError or ValueError, raised where it is passed in.
"""

from __future__ import annotations

__all__ = [
    "CheckpointRefused",
    "DeadlineExceeded",
    "FacegaugeError",
    "Forbidden",
    "PictureRejected",
    "QuotaExceeded",
    "RequestRejected",
    "ResponsesUnread",
    "ResumeRefused",
    "ServerFailed",
    "ServerFull",
    "ServerUnavailable",
    "StreamClosed",
    "StreamExists",
    "StreamIdle",
    "StreamRejected",
    "StreamStalled",
    "StreamTakenOver",
    "TokenUnavailable",
    "Unauthenticated",
    "VideoError",
]


class FacegaugeError(Exception):
    """Base of the errors that this package raises on purpose; its text says in a sentence what to do."""


class ServerUnavailable(FacegaugeError):
    """No server answers at the target, or the one that did is gone."""


class ServerFailed(FacegaugeError):
    """The server failed inside, or does not speak this interface."""


class RequestRejected(FacegaugeError):
    """The server refuses this request; the text carries its reason."""


class StreamRejected(RequestRejected):
    """The stream's configuration is not acceptable, or its messages came in a wrong order."""


class PictureRejected(RequestRejected):
    """The server cannot read the picture."""


class StreamExists(RequestRejected):
    """The stream id is live on another connection, or waits for the client whose connection broke.

    `retry_after_s` is the time after which the server lets go of a waiting stream, seconds; None for one that
    is live.
    """

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class ResumeRefused(RequestRejected):
    """The resume token is not that of the stream."""


class CheckpointRefused(RequestRejected):
    """The checkpoint does not hold: begin the stream anew, without it.

    `reason` is EXPIRED, REPLAYED, DAMAGED, KEY_UNKNOWN (the operator must give all replicas the same keys),
    FOREIGN (of another stream) or VERSION (of a newer server).
    """

    def __init__(self, text: str, *, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class StreamTakenOver(RequestRejected):
    """Another connection resumed the stream with its token."""


class ServerFull(RequestRejected):
    """A limit of the server is reached: its streams, or the size of a message."""


class QuotaExceeded(RequestRejected):
    """The tenant has as many streams, or sends as many frames, as it may."""


class Unauthenticated(RequestRejected):
    """The server needs a token, or refuses the one that it got: expired, unknown key, wrong audience."""


class Forbidden(RequestRejected):
    """The token lacks the right for this, or does not cover the call."""


class TokenUnavailable(FacegaugeError):
    """No token could be had: the function or the file that gives it failed."""


class DeadlineExceeded(FacegaugeError):
    """The server did not answer in time."""


class StreamIdle(FacegaugeError):
    """The server ended the stream, since no frame arrived within its idle timeout."""


class ResponsesUnread(FacegaugeError):
    """The server ended the stream, since its responses were left unread for too long."""


class StreamStalled(FacegaugeError):
    """A complete stream makes no progress: the server takes no frames, or nobody reads the assessments."""


class StreamClosed(FacegaugeError):
    """The stream has ended; it takes no more frames."""


class VideoError(FacegaugeError):
    """A file cannot be read as a video or a picture."""
