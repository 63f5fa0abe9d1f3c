"""`facegauge-token` makes key sets and tokens that the server takes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_server.access.command import command
from facegauge_server.access.identity import Identity, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.access.tokens import verify_token


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output.strip()


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_fresh_key_signs_tokens_that_hold(algorithm: str, tmp_path: Path) -> None:
    """For EdDSA the server gets the public key alone."""
    signing = verifying = tmp_path / "keys.json"
    public: list[str | Path] = []
    if algorithm == "EdDSA":
        verifying = tmp_path / "public.json"
        public = ["--public-out", verifying]
    run("new-key", "--kid", "a", "--out", signing, "--algorithm", algorithm, *public)
    token = run("issue", "--keys", signing, "--tenant", "acme", "--right", "publish", "--call", "standup")
    identity = verify_token(token, KeyFile(verifying), 0)
    assert identity == Identity("acme", frozenset({Right.PUBLISH}), frozenset({"standup"}))
    assert stat.S_IMODE(signing.stat().st_mode) == 0o600


def test_keys_are_added_and_never_replaced(tmp_path: Path) -> None:
    """A second key stands beside the first, the last one signs, and a taken id is refused."""
    path = tmp_path / "keys.json"
    run("new-key", "--kid", "a", "--out", path)
    run("new-key", "--kid", "b", "--out", path)
    keys = KeyFile(path)
    for chosen in ([], ["--kid", "a"]):
        verify_token(run("issue", "--keys", path, "--tenant", "t", "--right", "list", *chosen), keys, 0)
    assert "already" in run("new-key", "--kid", "a", "--out", path, code=1)


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    """One sentence and an exit code, for each."""
    path, public = tmp_path / "keys.json", tmp_path / "public.json"
    issue = ("issue", "--tenant", "t", "--right", "list", "--keys")
    assert "cannot read" in run(*issue, path, code=1)
    run("new-key", "--kid", "a", "--out", path, "--algorithm", "EdDSA", "--public-out", public)
    assert "private key" in run(*issue, public, code=1)
    assert "no key 'b'" in run(*issue, path, "--kid", "b", code=1)
    assert "12h" in run(*issue, path, "--expires-in", "soon", code=2)
    assert "EdDSA" in run("new-key", "--kid", "c", "--out", path, "--public-out", public, code=2)
    path.write_text("no JSON")
    assert "no JSON Web Key Set" in run(*issue, path, code=1)
