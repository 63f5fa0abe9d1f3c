"""Callers say who they are by a token: the real server, the real keys, the SDK and the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from facegauge_client import Client, Forbidden, Unauthenticated

from .conftest import ServerProcess, run_server


def make(*arguments: str) -> str:
    """Run `facegauge-token`."""
    program = "from facegauge_server.access.command import command; command()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout.strip()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("keys") / "keys.json")
    make("new-key", "--kid", "one", "--out", path)
    return path


@pytest.fixture(scope="module")
def server(keys: str) -> Iterator[ServerProcess]:
    with run_server("--auth-keys", keys) as process:
        yield process


def issue(keys: str, tenant: str, *rights: str, expires_in: str = "1h") -> str:
    flags = [flag for right in rights for flag in ("--right", right)]
    return make("issue", "--keys", keys, "--tenant", tenant, "--expires-in", expires_in, *flags)


async def test_a_tenant_sees_its_own_streams_alone(
    server: ServerProcess, keys: str, portrait_jpeg: bytes
) -> None:
    """Two tenants use the same stream id side by side; each lists its own."""
    both = ("publish", "list")
    async with (
        Client(server.listen, token=issue(keys, "acme", *both)) as acme,
        Client(server.listen, token=issue(keys, "other", *both)) as other,
    ):
        async with acme.monitor(stream_id="camera-1", call_id="standup") as stream:
            await stream.send(portrait_jpeg)
            assert (await anext(aiter(stream))).quality is not None
            assert (await other.list_streams()).total == 0
            async with other.monitor(stream_id="camera-1") as same_id:
                await same_id.send(portrait_jpeg)
                await anext(aiter(same_id))
                (listed,) = (await other.list_streams()).streams
                assert listed.call_id == ""
            assert (await acme.list_streams()).total == 1


async def test_a_call_needs_a_token_with_the_right(
    server: ServerProcess, keys: str, portrait_jpeg: bytes
) -> None:
    """Without a token, with a foreign one, or without the right, the error says what is missing."""
    async with Client(server.listen) as nobody:
        with pytest.raises(Unauthenticated, match="Bearer TOKEN"):
            await nobody.list_streams()
        await nobody.health()
    async with Client(server.listen, token="eyJhbGciOiJIUzI1NiJ9.e30.x") as forger:
        with pytest.raises(Unauthenticated, match="no JSON Web Token"):
            await forger.assess_image(portrait_jpeg)
    async with Client(server.listen, token=issue(keys, "acme", "list")) as reader:
        with pytest.raises(Forbidden, match="'publish'"):
            await reader.assess_image(portrait_jpeg)


async def test_a_refused_stream_always_learns_why(server: ServerProcess) -> None:
    """Also where the refusal meets the first message on its way, as one time in ten on loopback."""
    async with Client(server.listen, token="eyJhbGciOiJIUzI1NiJ9.e30.x") as forger:
        for number in range(100):
            with pytest.raises(Unauthenticated):
                async with forger.monitor(f"refused-{number}"):
                    pass


async def test_an_expired_token_is_replaced_by_the_function(server: ServerProcess, keys: str) -> None:
    """A token function is asked once more where the server refuses what it gave."""
    stale = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    tokens = iter([stale, issue(keys, "acme", "list")])
    async with Client(server.listen, token=lambda: next(tokens)) as client:
        assert (await client.list_streams()).total == 0
    assert next(tokens, None) is None


def test_the_command_line_takes_a_token_from_a_file(
    server: ServerProcess, keys: str, facegauge: str, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """`assess` works with --token-file; without it, it says where a token goes."""
    picture, token = tmp_path / "portrait.jpg", tmp_path / "token"
    picture.write_bytes(portrait_jpeg)
    token.write_text(issue(keys, "acme", "publish") + "\n")
    command = [facegauge, "assess", str(picture), "--server", server.listen]
    bare = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert bare.returncode == 1
    assert "--token-file" in bare.stderr
    command += ["--token-file", str(token)]
    allowed = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert allowed.returncode == 0, allowed.stderr
    assert "portrait.jpg" in allowed.stdout
