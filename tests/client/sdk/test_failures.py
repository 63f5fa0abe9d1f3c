"""A failed call becomes the error that says who must act: by the server's reason, else by its status code."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge_client import (
    DeadlineExceeded,
    FacegaugeError,
    PictureRejected,
    RequestRejected,
    ResponsesUnread,
    ResumeRefused,
    ServerFailed,
    ServerFull,
    ServerUnavailable,
    StreamExists,
    StreamIdle,
    StreamRejected,
    StreamTakenOver,
    Unauthenticated,
)
from facegauge_client.sdk.failures import ERRORS_BY_REASON, explain
from tests.client.conftest import error_metadata

TARGET = "media-3:50051"

# What gRPC 1.85 says, as printed by calls to a closed port, an unknown host, and a peer with or without TLS.
REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote"
    " host: Connection refused"
)
NO_SUCH_HOST = (
    "errors resolving media-3:50051: [field:hostname lookup error:address lookup failed for media-3:50051:"
    " Domain name not found]"
)
NO_DNS = "DNS resolution failed for media-3:50051: C-ares status is not ARES_SUCCESS qtype=A"
NO_HANDSHAKE = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:4: Tls handshake failed"
    " (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED: unable to get local issuer"
)
CLOSED = "failed to connect to all addresses; last error: UNAVAILABLE: Socket closed"


def failed(
    code: grpc.StatusCode, details: str | None, metadata: tuple[tuple[str, bytes], ...] = ()
) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*metadata), details)


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG", StreamRejected),
        (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FRAME", PictureRejected),
        (grpc.StatusCode.FAILED_PRECONDITION, "PROTOCOL_VIOLATION", StreamRejected),
        (grpc.StatusCode.ALREADY_EXISTS, "STREAM_EXISTS", StreamExists),
        (grpc.StatusCode.PERMISSION_DENIED, "RESUME_REFUSED", ResumeRefused),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_FULL", ServerFull),
        (grpc.StatusCode.UNAVAILABLE, "DRAINING", ServerUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "STREAM_IDLE", StreamIdle),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "RESPONSES_UNREAD", ResponsesUnread),
        (grpc.StatusCode.ABORTED, "TAKEN_OVER", StreamTakenOver),
        (grpc.StatusCode.INTERNAL, "INTERNAL", ServerFailed),
    ],
)
def test_each_reason_is_one_class_and_keeps_the_servers_words(
    code: grpc.StatusCode, reason: str, error: type[FacegaugeError]
) -> None:
    """Two reasons that share a status code are two classes."""
    raised = explain(failed(code, "for this reason", error_metadata(code, "for this reason", reason)), TARGET)
    assert type(raised) is error
    assert "for this reason" in str(raised)


def test_every_reason_of_the_interface_has_its_error() -> None:
    """A reason added to the proto needs an entry in the map."""
    names = {name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()}  # noqa: SIM118
    assert set(ERRORS_BY_REASON) == names - {"UNSPECIFIED"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, StreamRejected),
        (grpc.StatusCode.FAILED_PRECONDITION, StreamRejected),
        (grpc.StatusCode.ALREADY_EXISTS, StreamExists),
        (grpc.StatusCode.PERMISSION_DENIED, RequestRejected),
        (grpc.StatusCode.UNAUTHENTICATED, Unauthenticated),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ServerFull),
        (grpc.StatusCode.UNAVAILABLE, ServerUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.ABORTED, StreamTakenOver),
        (grpc.StatusCode.UNIMPLEMENTED, ServerFailed),
        (grpc.StatusCode.INTERNAL, ServerFailed),
        (grpc.StatusCode.UNKNOWN, ServerFailed),
    ],
)
@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("grpc-status-details-bin", b"\xff no status"),),
        error_metadata(grpc.StatusCode.DATA_LOSS, "for this reason", "STREAM_IDLE"),
        error_metadata(grpc.StatusCode.UNAVAILABLE, "other words", "STREAM_IDLE"),
    ],
    ids=["none", "garbage", "of another code", "of other words"],
)
def test_without_a_usable_reason_the_status_code_decides(
    code: grpc.StatusCode, error: type[FacegaugeError], metadata: tuple[tuple[str, bytes], ...]
) -> None:
    """An older server, a proxy's own answer, and details that contradict the status."""
    raised = explain(failed(code, "for this reason", metadata), TARGET)
    assert type(raised) is error
    assert "for this reason" in str(raised)


def test_a_stream_that_a_proxy_cuts_off_can_be_had_again() -> None:
    """Envoy resets the streams of a server that dies; what the server itself calls INTERNAL is its defect."""
    details = "Stream removed (RST_STREAM (Received RST_STREAM with error code 2))"
    raised = explain(failed(grpc.StatusCode.INTERNAL, details), TARGET)
    assert type(raised) is ServerUnavailable
    assert TARGET in str(raised)
    metadata = error_metadata(grpc.StatusCode.INTERNAL, details, "INTERNAL")
    assert type(explain(failed(grpc.StatusCode.INTERNAL, details, metadata), TARGET)) is ServerFailed


@pytest.mark.parametrize(("reason", "domain"), [("NEWER", "facegauge"), ("STREAM_IDLE", "example.org")])
def test_an_unknown_reason_or_domain_is_passed_over(reason: str, domain: str) -> None:
    """A newer server's reason and a proxy's ErrorInfo leave the decision to the status code."""
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    raised = explain(failed(code, "later", error_metadata(code, "later", reason, domain)), TARGET)
    assert type(raised) is ServerFull


@pytest.mark.parametrize(
    ("details", "says"),
    [
        (REFUSED, "no Facegauge server answers at media-3:50051 (connection refused); start one"),
        (NO_SUCH_HOST, "answers at media-3:50051 (the host name cannot be resolved); start one"),
        (NO_DNS, "answers at media-3:50051 (the host name cannot be resolved); start one"),
        (NO_HANDSHAKE, "answers at media-3:50051 (the TLS handshake failed: failed to connect"),
        (CLOSED, f"answers at media-3:50051 ({CLOSED}); start one"),
        ("the certificate store is on ssl-3.dns.example", "is not available: the certificate store is on"),
        ("Socket closed", "the server at media-3:50051 is not available: Socket closed"),
        (None, "the server at media-3:50051 is not available: no reason given"),
    ],
)
def test_an_unavailable_server_is_explained_by_what_failed(details: str | None, says: str) -> None:
    """Only a connection that was never made is explained by its cause; a server's own words stay."""
    raised = explain(failed(grpc.StatusCode.UNAVAILABLE, details), TARGET)
    assert type(raised) is ServerUnavailable
    assert says in str(raised)


def test_a_servers_own_reason_is_never_taken_for_a_failed_connection() -> None:
    """A draining server may speak of whatever it likes."""
    words = "failed to connect to all addresses: Connection refused, says the SSL proxy"
    code = grpc.StatusCode.UNAVAILABLE
    raised = explain(failed(code, words, error_metadata(code, words, "DRAINING")), TARGET)
    assert "start one" not in str(raised)
