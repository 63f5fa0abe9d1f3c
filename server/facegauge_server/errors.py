"""Everything that can go wrong, sorted by who must act.

    FacegaugeError
    +-- CallerError            the client must change what it sends
    |   +-- InvalidConfig      a field of the stream's configuration is wrong (INVALID_ARGUMENT)
    |   +-- ProtocolViolation  messages in an order that the protocol forbids (FAILED_PRECONDITION)
    |   +-- BadFrame           this frame cannot be used; the stream goes on
    |   +-- StreamExists       the stream id is taken (ALREADY_EXISTS)
    |   +-- ResumeRefused      the resume token is not that stream's (PERMISSION_DENIED)
    +-- CapacityError          the client may try again later, the operator may raise a limit
    |   +-- ServerFull         no room for another stream or image (RESOURCE_EXHAUSTED)
    |   +-- Draining           the server is going down (UNAVAILABLE)
    +-- OperatorError          whoever started the server must change a flag or a file
        +-- BadConfiguration   a flag, a variable or the configuration file
        +-- BadModel           the student's files are missing, damaged or do not fit together
        +-- WorkersFailed      the processes that work on frames end as they start

`service.py` maps them to gRPC status codes, in one place. Anything else that is raised is our bug.
"""

from __future__ import annotations

__all__ = [
    "BadConfiguration",
    "BadFrame",
    "BadModel",
    "CallerError",
    "CapacityError",
    "Draining",
    "FacegaugeError",
    "InvalidConfig",
    "OperatorError",
    "ProtocolViolation",
    "ResumeRefused",
    "ServerFull",
    "StreamExists",
    "WorkersFailed",
]


class FacegaugeError(Exception):
    """Base of all errors that this package raises on purpose."""


class CallerError(FacegaugeError):
    """The client must change what it sends."""


class InvalidConfig(CallerError):
    """A field of a stream's configuration is wrong.

    `violations` maps the field's proto name to what is wrong with it.
    """

    def __init__(self, violations: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in violations.items()))
        self.violations = violations


class ProtocolViolation(CallerError):
    """Messages in an order that the protocol forbids."""


class BadFrame(CallerError):
    """One frame cannot be used; the stream goes on."""


class StreamExists(CallerError):
    """The stream id belongs to another live stream."""


class ResumeRefused(CallerError):
    """The resume token does not belong to the stream it was shown for."""


class CapacityError(FacegaugeError):
    """The client may try again later; the operator may raise a limit."""


class ServerFull(CapacityError):
    """There is no room for another stream or image."""


class Draining(CapacityError):
    """The server is going down and takes nothing new."""


class OperatorError(FacegaugeError):
    """Whoever started the server must change a flag or a file."""


class BadConfiguration(OperatorError):
    """A flag, an environment variable or the configuration file is wrong."""


class BadModel(OperatorError):
    """The student's files are missing, damaged or do not fit together."""


class WorkersFailed(OperatorError):
    """The processes that work on frames end as they start: the server is of no use."""
