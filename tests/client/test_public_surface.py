"""The names and flags that programs and scripts rely on. A change here needs a changelog entry."""

from __future__ import annotations

import click
import pytest

import facegauge_client
from facegauge_client import sync
from facegauge_client.cli import command

SERVER = {"--server", "--tls", "--tls-ca", "--tls-cert", "--tls-key", "--token-file", "--insecure-token"}
FLAGS = {
    "assess": SERVER | {"--json", "--display-lines"},
    "calibrate": {"--qualities", "--model-name", "--model-sha256", "-o", "--output"},
    "demo": {"--keep", "--page", "--svg"},
    "events": SERVER | {"--call-id", "--kind", "--oldest", "--reconnect-timeout"},
    "replay": SERVER
    | {"--fps", "--speed", "--json", "--report", "--call-id", "--prefix"}
    | {"--display-lines", "--reconnect-timeout", "--parallel", "--coded"},
    "top": SERVER | {"--call-id", "--interval"},
}


def test_the_names_of_the_sdk() -> None:
    """What `from facegauge_client import *` gives; each name exists."""
    errors = {
        *(
            "CheckpointRefused",
            "DeadlineExceeded",
            "FacegaugeError",
            "Forbidden",
            "PictureRejected",
            "QuotaExceeded",
        ),
        *("RequestRejected", "ResponsesUnread", "TokenUnavailable", "Unauthenticated"),
        *("ResumeRefused", "ServerFailed", "ServerFull", "ServerUnavailable", "StreamClosed", "StreamExists"),
        *("StreamIdle", "StreamRejected", "StreamStalled", "StreamTakenOver", "VideoError"),
    }
    values = {
        *("Accepted", "Assessment", "Box", "Delivery", "EncodedFrame", "Face", "FaceState", "FrameEncoding"),
        *("FrameResult", "HealthStatus", "Notice", "NoticeKind", "Picture", "StateTime", "StreamList"),
        *("StreamState", "StreamStatus", "Summary", "Token"),
        *("Cause", "CauseKind", "CauseTime", "Decode", "Model", "MosEstimate"),
        *("CallList", "CallStatus", "Event", "EventKind", "EventPosition", "EventsMissed", "QualityBand"),
        "ServerInfo",
    }
    assert set(facegauge_client.__all__) == errors | values | {"Client", "MonitorStream", "ssl_credentials"}
    assert all(hasattr(facegauge_client, name) for name in facegauge_client.__all__)


def test_the_names_of_the_synchronous_sdk() -> None:
    """The twins alone; values and errors are those of `facegauge_client`."""
    assert set(sync.__all__) == {"Client", "MonitorStream"}


def test_every_subcommand_is_listed() -> None:
    """A new subcommand gets its flags listed here."""
    assert set(command.commands) == set(FLAGS)


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_of_each_subcommand(name: str) -> None:
    """Long flags; a renamed one breaks scripts."""
    options = [item for item in command.commands[name].params if isinstance(item, click.Option)]
    assert {flag for option in options for flag in option.opts} == FLAGS[name]
