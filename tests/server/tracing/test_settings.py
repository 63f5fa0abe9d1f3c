"""Where traces may go."""

from __future__ import annotations

import pytest

from facegauge_server.errors import BadConfiguration
from facegauge_server.tracing.settings import Tracing


def test_without_an_endpoint_there_is_none() -> None:
    """Off by default."""
    assert Tracing().endpoint is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"otlp_endpoint": "http://collector.example:4317"}, "--otlp-insecure"),
        ({"otlp_endpoint": "collector.example:4317"}, "--otlp-endpoint wants https://"),
        ({"otlp_endpoint": "https://me:word@collector.example"}, "no user and password"),
        ({"trace_ratio": 1.5}, "--trace-ratio must be at most 1"),
        ({"trace_ratio": -0.1}, "--trace-ratio must be at least 0"),
        ({"trace_queue": 0}, "--trace-queue must be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_by_its_flag(given: dict[str, object], reason: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(BadConfiguration, match=reason):
        Tracing(**given)  # type: ignore[arg-type]


def test_plain_http_beyond_loopback_takes_the_operators_word() -> None:
    """Where something else encrypts, or the machine is this one."""
    assert Tracing(otlp_endpoint="http://127.0.0.1:4317").endpoint is not None
    endpoint = Tracing(otlp_endpoint="http://10.0.0.1:4317", otlp_insecure=True).endpoint
    assert endpoint is not None
    assert (endpoint.host, endpoint.is_encrypted) == ("10.0.0.1", False)
