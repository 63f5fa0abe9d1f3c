"""What a process is called among the replicas of one host."""

import socket

import pytest

from facegauge_server.replica_name import REPLICA_VARIABLE, replica_name, replica_number


@pytest.mark.parametrize(
    ("given", "number", "ending"),
    [(None, None, ""), ("0", 0, "/0"), ("12", 12, "/12"), ("\u0663", None, ""), ("x", None, "")],
)
def test_a_replica_has_its_hosts_name_and_its_number(
    given: str | None, number: int | None, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is no replica has the host's name alone; what is no number counts as none."""
    monkeypatch.delenv(REPLICA_VARIABLE, raising=False)
    if given is not None:
        monkeypatch.setenv(REPLICA_VARIABLE, given)
    assert replica_number() == number
    assert replica_name() == socket.gethostname() + ending
