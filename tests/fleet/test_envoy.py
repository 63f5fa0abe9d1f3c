"""Envoy with the configuration that ships, in front of real replicas: streams outlive these."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import jwt
import pytest
import trustme
from click.testing import CliRunner
from jwt.algorithms import HMACAlgorithm

from bench.envoy import envoy_process
from bench.server import Server, server_process
from facegauge_client import Client
from facegauge_server.access.command import command as token_command
from tests.fleet.played_streams import PlayedStreams
from tests.under_fire.slowdown import slowdown

STREAMS, PROBES = 60, 16
FULL_AT = 12
CHECKPOINT_FRAMES = 5
"""Pictures within which a stream has had a checkpoint: there is one every two seconds of capture time."""
HAND_OVER_S = 2.0
SECRET = b"a secret of thirty-two bytes....."
# A busy machine makes frames wait: what is shown here is the refusal of a full replica alone.
FLAGS = ("--precision", "f32", "--workers", "1", "--max-worker-wait", "60")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(
        json.dumps({"keys": [{"kid": "k", "alg": "HS256", **HMACAlgorithm.to_jwk(SECRET, as_dict=True)}]})
    )
    return path


@pytest.fixture
def checkpoint_keys(tmp_path: Path) -> Path:
    """A key that all replicas seal checkpoints with, made as an operator makes it."""
    path = tmp_path / "checkpoint-keys.json"
    new_key = ["new-key", "--kid", "1", "--algorithm", "A256GCM", "--out", str(path)]
    assert CliRunner().invoke(token_command, new_key).exit_code == 0
    return path


@pytest.fixture
def token() -> str:
    expires = datetime.now(tz=UTC) + timedelta(hours=1)
    claims = {"aud": "facegauge", "tenant": "acme", "rights": ["publish", "list"], "exp": expires}
    return jwt.encode(claims, SECRET, "HS256", {"kid": "k"})


async def streams_at(replica: Server, token: str) -> set[str]:
    """Return the streams that a replica follows."""
    async with Client(replica.target, token=token) as client:
        return {one.stream_id for one in (await client.list_streams()).streams}


async def start(stack: ExitStack, *flags: str) -> Server:
    """Start a replica while streams go on."""
    return await asyncio.to_thread(stack.enter_context, server_process(*flags))


async def homes(client: Client, token: str, *replicas: Server) -> list[int]:
    """Open some streams by a connection of their own; return the index of the replica that each came to."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(client)
        ids = [f"probe-{number}" for number in range(PROBES)]
        for stream_id in ids:
            await stack.enter_async_context(client.monitor(stream_id))
        found = [await streams_at(replica, token) for replica in replicas]
        return [next(index for index, at in enumerate(found) if stream_id in at) for stream_id in ids]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_streams_outlive_their_replicas(
    keys: Path, checkpoint_keys: Path, token: str, small_portrait: bytes
) -> None:
    """Sixty streams, two replicas, one of them soon full: it is killed, a third joins, the other drains.

    No caller hears of any of it, each stream has assessments again within two seconds, and none begins anew.
    """
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate = (issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    flags = (*FLAGS, "--auth-keys", str(keys), "--checkpoint-keys", str(checkpoint_keys))
    with ExitStack() as stack:
        small, large = await asyncio.gather(
            start(stack, *flags, "--max-streams", str(FULL_AT)), start(stack, *flags)
        )
        envoy = stack.enter_context(envoy_process([small.target, large.target], certificate=certificate))
        async with (
            Client(envoy.target, credentials, token=token) as client,
            PlayedStreams(client, small_portrait, STREAMS) as streams,
        ):
            # About half of the streams hash to the small one: once it is full, the other takes them.
            await streams.answered(times=CHECKPOINT_FRAMES)
            at_small, at_large = await streams_at(small, token), await streams_at(large, token)
            assert (len(at_small), len(at_large)) == (FULL_AT, STREAMS - FULL_AT)
            retried = "cluster.replicas.upstream_rq_retry_success"
            assert envoy.stats(retried)[retried] > 0

            # Killed: its streams go on at the other.
            os.kill(small.process.pid, signal.SIGKILL)
            moved = [one for one in streams.all if one.stream_id in at_small]
            await streams.answered(moved, times=2)
            assert {one.stream.reconnects for one in moved} == {1}
            assert max(gap_s for one in moved for gap_s in one.gaps_s) < HAND_OVER_S * slowdown()

            # A third joins, which moves no stream. New ones are shared out; an id finds its replica again.
            third = await start(stack, *flags)
            envoy.set_replicas([large.target, third.target])
            await asyncio.to_thread(envoy.wait_for, [large.target, third.target])
            first, second = (Client(envoy.target, credentials, token=token) for _ in range(2))
            came_to = await homes(first, token, large, third)
            assert set(came_to) == {0, 1}
            assert await homes(second, token, large, third) == came_to
            assert len(await streams_at(large, token)) == STREAMS

            # Drained: all go on at the third.
            large.process.send_signal(signal.SIGTERM)
            await streams.answered(times=2)
            assert len(await streams_at(third, token)) == STREAMS
            assert max(one.gaps_s[-1] for one in streams.all) < HAND_OVER_S * slowdown()
            assert await asyncio.to_thread(large.process.wait, 30) == 0
        logged = (envoy.folder / "access.log").read_text()
    assert not streams.errors
    # All of a stream's memory came along: what its summary counts was scored by up to three replicas.
    assert {one.stream.restarts for one in streams.all} == {0}
    for one in streams.all:
        assert one.stream.summary is not None
        last = one.stream.reconnects
        assert one.stream.summary.frames_scored > sum(number == last for _, number, _ in one.answers)
    assert "MonitorStream" in logged
    assert not any(secret in logged for secret in ("stream-", "fleet", token, "acme"))
