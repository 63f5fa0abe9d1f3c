"""The process that plays a clip: whatever becomes of it, the clip ends and nothing of it goes on."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

import pytest

from facegauge_gateway.clip_player.job import Job
from facegauge_gateway.server_access import ServerAccess
from facegauge_gateway.ui.clips import clip as clip_module
from facegauge_gateway.ui.clips.clip import Clip, ClipRefused

OPENED = 'import os, sys, time; print(\'{"event": "opened"}\', flush=True);'
WAIT = "sys.stdin.read()"


async def begin(monkeypatch: pytest.MonkeyPatch, program: str) -> Clip:
    """Begin a clip that another program plays."""
    monkeypatch.setattr(clip_module, "PLAYER", (sys.executable, "-c", program))
    clip = Clip("clip.mp4", "clip.mp4")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - begin closes it
    server = ServerAccess(target="127.0.0.1:1")
    job = Job(path="/dev/null", name=clip.name, stream_id=clip.stream_id, call_id="clips", server=server)
    await clip.begin(job, file)
    assert file.closed
    return clip


async def last_of(clip: Clip) -> tuple[str, dict[str, Any]]:
    messages = [message async for message in clip.messages()]
    event, data = messages[-1].decode().splitlines()[:2]
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


CRASHES = {
    "a crash": "os.abort()",
    "an end without a word": "",
    "a line that is none": "print('decoder says hello', flush=True); " + WAIT,
    "half a report": 'print(\'{"event": "done", "report_bytes": 10}\\nabc\', flush=True)',
}


@pytest.mark.parametrize("case", CRASHES)
async def test_a_player_that_crashes_costs_its_clip(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    clip = await begin(monkeypatch, OPENED + CRASHES[case])
    kind, data = await last_of(clip)
    assert (kind, clip.result, clip.report) == ("failed", "failed", b"")
    assert "clip.mp4" in data["error"]


async def test_a_player_that_does_not_start_refuses_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClipRefused, match="cannot be opened"):
        await begin(monkeypatch, "")


async def test_a_clip_that_nobody_watches_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process too, be it deaf to SIGTERM."""
    monkeypatch.setattr(clip_module, "UNWATCHED_S", 0.05)
    monkeypatch.setattr(clip_module, "STOP_TIMEOUT_S", 0.05)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    clip = await begin(monkeypatch, f"{deaf}{OPENED}{WAIT}")
    await clip.ended()
    assert clip.result == "cancelled"
    assert clip._process is not None
    assert clip._process.returncode == -9
