"""Keys of checkpoints: the newest seals once every replica can have read it, and all of them open."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_server.access.command import command
from facegauge_server.checkpoints.keys import SPREAD_S, CheckpointKeys
from facegauge_server.errors import BadConfiguration

NOW_S = 1_800_000_000.0


def entry(secret: bytes, made_s: float, alg: str = "A256GCM") -> dict[str, object]:
    k = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return {"kid": "k", "kty": "oct", "alg": alg, "iat": made_s, "k": k}


def write(path: Path, *entries: dict[str, object]) -> Path:
    path.write_text(json.dumps({"keys": entries}))
    return path


def test_a_new_key_seals_once_it_has_spread(tmp_path: Path) -> None:
    """It opens as soon as it is read, or replicas would refuse each other's checkpoints meanwhile."""
    old, new = bytes(32), bytes([1]) * 32
    keys = CheckpointKeys(write(tmp_path / "keys", entry(old, 0.0)))
    assert keys.sealing(NOW_S)[1] == old
    write(tmp_path / "keys", entry(old, 0.0), entry(new, NOW_S))
    keys.reread()
    new_id = CheckpointKeys(write(tmp_path / "other", entry(new, 0.0))).sealing(NOW_S)[0]
    assert keys.find(new_id) == new
    assert keys.sealing(NOW_S + SPREAD_S - 1)[1] == old
    sealing_id, sealing = keys.sealing(NOW_S + SPREAD_S + 1)
    assert (sealing_id, sealing) == (new_id, new)


def test_the_first_key_of_all_seals_at_once(tmp_path: Path) -> None:
    """There is no other."""
    keys = CheckpointKeys(write(tmp_path / "keys", entry(bytes(32), NOW_S)))
    assert keys.sealing(NOW_S)[1] == bytes(32)


def test_without_a_file_each_server_has_its_own() -> None:
    """Which nobody else has."""
    one, other = CheckpointKeys(None), CheckpointKeys(None)
    assert one.find(one.sealing(NOW_S)[0]) is not None
    assert other.find(one.sealing(NOW_S)[0]) is None


def test_the_command_makes_what_the_server_reads(tmp_path: Path) -> None:
    """A second one is added, as in a rotation."""
    path = tmp_path / "keys.json"
    for kid in ("1", "2"):
        arguments = ["new-key", "--kid", kid, "--algorithm", "A256GCM", "--out", str(path)]
        assert CliRunner().invoke(command, arguments).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    secrets = {CheckpointKeys(path).sealing(at_s)[1] for at_s in (0.0, 1e12)}
    assert len(json.loads(path.read_text())["keys"]) == 2
    assert all(len(secret) == 32 for secret in secrets)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON Web Key Set"),
        ("[]", "no JSON Web Key Set"),
        ('{"keys": []}', "holds no key"),
        ('{"keys": [{"k": "AAAA"}]}', "no JSON Web Key Set"),
        ('{"keys": [{"k": "AAAA", "alg": "HS256"}]}', "every key must be for A256GCM"),
        ('{"keys": [{"k": "AAAA", "alg": "A256GCM"}]}', "has 3 bytes"),
        ('{"keys": [{"k": 7, "alg": "A256GCM"}]}', "no JSON Web Key Set"),
        ('{"keys": [{"k": "AAAA", "alg": "A256GCM", "iat": "x"}]}', "no JSON Web Key Set"),
    ],
)
def test_a_bad_file_stops_the_start(text: str, why: str, tmp_path: Path) -> None:
    """The message names the flag and what is wrong."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(BadConfiguration, match=f"--checkpoint-keys.*{why}"):
        CheckpointKeys(path)


def test_a_slip_while_the_server_runs_changes_nothing(tmp_path: Path) -> None:
    """The earlier keys stay."""
    path = write(tmp_path / "keys", entry(bytes(32), 0.0))
    keys = CheckpointKeys(path)
    path.write_text("{")
    keys.refresh(0.0)
    keys.refresh(5.0)
    assert keys.sealing(NOW_S)[1] == bytes(32)
