"""A server that dies and comes back, and a gateway that stops: the page is told, and nothing stays behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.real_call.programs import free_port
from facegauge_client import Client
from tests.end_to_end.conftest import run_server
from tests.gateway.gateway_process import run_gateway

from .clip_files import video
from .page_reader import page_of
from .test_clips import drop
from .test_live_pages import listed, live


@pytest.mark.slow
async def test_a_server_that_dies_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait_jpeg: bytes, astronaut: npt.NDArray[np.uint8]
) -> None:
    """Away with a reason, then a list of what is there now; a clip without a server fails with a sentence.

    At last a signal with readers connected and a clip playing ends the gateway at once, with no file left.
    """
    address, folder = f"127.0.0.1:{free_port()}", tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with run_gateway(tmp_path, address, "ui") as gateway:
        async with page_of(gateway.http) as page, page.events("/ui/streams") as wall:
            _, data = await wall.next("away")
            assert address in data["reason"]
            assert data["retry_s"] > 0
            async with (
                page.events("/ui/stream?stream_id=alice") as close,
                page.events("/ui/events") as happened,
            ):
                assert (await close.next())[0] == "away"
                assert (await happened.next())[0] == "away"
            clip = await drop(page, "early.mp4", video(astronaut, seconds=1))
            async with page.events(f"/ui/clips/{clip['id']}") as events:
                kind, data = await events.next("done", "failed")
                assert (kind, address in data["error"]) == ("failed", True)
            with run_server("--listen", address) as server:
                assert (await wall.next("snapshot", "update"))[0] == "snapshot"
                async with Client(address) as client, live(client, "alice", portrait_jpeg):
                    await listed(wall, "alice")
                server.process.kill()
                assert (await wall.next("away"))[1]["reason"]
            with run_server("--listen", address):
                assert (await wall.next("snapshot", "update"))[0] == "snapshot"
                async with page.events("/ui/events") as happened:
                    await drop(page, "late.mp4", video(astronaut, seconds=30))
                    await happened.next("event")
                    assert gateway.stop() == 0
                    await happened.ended()
                    await wall.ended()
    assert list(folder.iterdir()) == []
