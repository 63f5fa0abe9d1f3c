"""Everything that can go wrong, sorted by who must act.

    FacegaugeError
    +-- CallerError            the client must change what it does
    |   +-- InvalidConfig      a field of the request is wrong
    |   +-- ProtocolViolation  messages in an order that the protocol forbids
    |   +-- BadFrame           this frame cannot be used; the stream continues
    |   +-- StreamExists       the stream id is taken
    |   +-- ResumeRefused      the resume token is not that stream's
    |   +-- CheckpointRefused  the checkpoint does not hold; each of these says why
    |   |   +-- CheckpointExpired     it is too old
    |   |   +-- CheckpointReplayed    the stream has gone on since
    |   |   +-- CheckpointDamaged     it is not what a server has sealed
    |   |   +-- CheckpointKeyUnknown  it was sealed with another key: the operator must share the keys
    |   |   +-- CheckpointForeign     it is another stream's
    |   |   +-- CheckpointVersion     a newer server has sealed it
    |   +-- StreamIdle         no frame arrived within the idle timeout
    |   +-- ResponsesUnread    the client left its responses unread for longer than the send timeout
    |   +-- TakenOver          another connection resumed the stream
    |   +-- Unauthenticated    no token, or one that does not hold
    |   +-- Forbidden          the token does not allow it
    +-- CapacityError          the client may try again later, the operator may raise a limit
    |   +-- ServerFull         no room for another stream or image
    |   +-- QuotaExceeded      the tenant has used up its share
    |   +-- Draining           the server is shutting down
    +-- OperatorError          whoever started the server must change a flag or a file
        +-- BadConfiguration   a flag, a variable or the configuration file
        +-- BadModel           the student's files are missing, damaged or do not fit together
        +-- WorkersFailed      the processes that work on frames end as they start

`rpc/statuses.py` maps them to gRPC status codes and reasons. Anything else that is raised is our defect.
"""

from __future__ import annotations

__all__ = [
    "BadConfiguration",
    "BadFrame",
    "BadModel",
    "CallerError",
    "CapacityError",
    "CheckpointDamaged",
    "CheckpointExpired",
    "CheckpointForeign",
    "CheckpointKeyUnknown",
    "CheckpointRefused",
    "CheckpointReplayed",
    "CheckpointVersion",
    "Draining",
    "FacegaugeError",
    "Forbidden",
    "InvalidConfig",
    "OperatorError",
    "ProtocolViolation",
    "QuotaExceeded",
    "ResponsesUnread",
    "ResumeRefused",
    "ServerFull",
    "StreamExists",
    "StreamIdle",
    "TakenOver",
    "Unauthenticated",
    "WorkersFailed",
]


class FacegaugeError(Exception):
    """Base of all errors that this package raises on purpose."""


class CallerError(FacegaugeError):
    """The client must change what it does."""


class InvalidConfig(CallerError):
    """A field of a request is wrong.

    `violations` maps the field's proto name to what is wrong with it.
    """

    def __init__(self, violations: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" if name else why for name, why in violations.items()))
        self.violations = violations


class ProtocolViolation(CallerError):
    """Messages in an order that the protocol forbids."""


class BadFrame(CallerError):
    """One frame cannot be used; the stream continues."""


class StreamExists(CallerError):
    """The stream id belongs to another live stream."""


class ResumeRefused(CallerError):
    """The resume token does not belong to the stream that it was presented for."""


class CheckpointRefused(CallerError):
    """A checkpoint does not hold; the client may begin the stream anew, without it."""


class CheckpointExpired(CheckpointRefused):
    """It is older than a checkpoint may be."""


class CheckpointReplayed(CheckpointRefused):
    """The stream has gone on since it was made, as far as this server knows."""


class CheckpointDamaged(CheckpointRefused):
    """It is not what a server has sealed."""


class CheckpointKeyUnknown(CheckpointRefused):
    """It was sealed with a key that this server does not have: replicas must share their keys."""


class CheckpointForeign(CheckpointRefused):
    """It is another stream's, or another tenant's."""


class CheckpointVersion(CheckpointRefused):
    """A newer server has sealed it."""


class StreamIdle(CallerError):
    """No frame arrived within the idle timeout."""


class ResponsesUnread(CallerError):
    """The client left its responses unread for longer than the send timeout."""


class TakenOver(CallerError):
    """Another connection presented the stream's resume token."""


class Unauthenticated(CallerError):
    """The caller has not said who it is, or its token does not hold."""


class Forbidden(CallerError):
    """The caller's token does not allow what it asks for."""


class CapacityError(FacegaugeError):
    """The client may try again later; the operator may raise a limit."""


class ServerFull(CapacityError):
    """There is no room for another stream or image."""


class QuotaExceeded(CapacityError):
    """The tenant has as many streams, or sends as many frames, as it may."""


class Draining(CapacityError):
    """The server is shutting down and accepts nothing new."""


class OperatorError(FacegaugeError):
    """Whoever started the server must change a flag or a file."""


class BadConfiguration(OperatorError):
    """A flag, an environment variable or the configuration file is wrong."""


class BadModel(OperatorError):
    """The student's files are missing, damaged or do not fit together."""


class WorkersFailed(OperatorError):
    """The processes that work on frames end as they start: the server is of no use."""
