"""A key file is checked when the server starts, and reread while it runs without ever locking it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from facegauge_server.access.keys import KeyFile
from facegauge_server.errors import BadConfiguration

from .conftest import WriteKeys, secret_entry


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON Web Key Set"),
        ("[]", "no JSON Web Key Set"),
        ('{"keys": [{"kty": "oct"}]}', "kid"),
        ('{"keys": [{"kid": "a", "kty": "oct"}]}', "no JSON Web Key Set"),
        ('{"keys": []}', "holds no key"),
        ('{"keys": [{"kid": "a", "kty": "oct", "alg": "HS512", "k": "AAAA"}]}', "HS512"),
        ('{"keys": [{"kid": "a", "kty": "oct", "alg": "HS256", "k": "AAAA"}]}', "at least 32"),
    ],
)
def test_a_bad_file_stops_the_start(text: str, why: str, tmp_path: Path) -> None:
    """The message names the file and what is wrong with it."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(BadConfiguration, match=why):
        KeyFile(path)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    """The flag stands in the message."""
    with pytest.raises(BadConfiguration, match="--auth-keys"):
        KeyFile(tmp_path / "none.json")


def test_a_file_damaged_while_the_server_runs_changes_nothing(write_keys: WriteKeys) -> None:
    """An operator's slip must not lock every caller out: the earlier keys stay, and the log says so."""
    path = write_keys(secret_entry("one"))
    keys = KeyFile(path)
    path.write_text("{")
    with capture_logs() as logs:
        assert keys.find("one", 0.0) is not None
        assert keys.find("one", 2.0) is not None
        path.unlink()
        assert keys.find("one", 5.0) is not None
    assert [(entry["event"], entry["flag"]) for entry in logs] == [("file not reread", "--auth-keys")] * 2
    assert ["no JSON Web Key Set" in entry["reason"] for entry in logs] == [True, False]


def test_the_file_is_looked_at_once_a_second_at_most(
    write_keys: WriteKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verifying a token costs no system call in between."""
    path = write_keys(secret_entry("one"))
    keys = KeyFile(path)
    looks: list[Path] = []
    stat = Path.stat

    def counted(self: Path, **options: Any) -> Any:
        looks.append(self)
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", counted)
    for step in range(30):
        keys.find("one", step / 10)
    assert len(looks) == 2
