"""A browser, a media server and a clip, for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bench.real_call.chromium import Browser, running_browser
from bench.real_call.clip import write_portrait_clip
from bench.real_call.janus import Janus, running_janus
from bench.real_call.programs import ProgramMissing, find_program
from bench.server import Server, server_process

WIDTH, HEIGHT, FPS = 640, 360, 15
PACE = 4.0
"""Of the portrait: a face that hardly moves looks well even at the least bitrate that a browser sends."""


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the portrait for the browser's camera; skips where there is no browser, or no server."""
    try:
        for name in ("chromium", "janus"):
            find_program(name)
    except ProgramMissing as missing:
        pytest.skip(str(missing))
    path = tmp_path_factory.mktemp("camera") / "portrait.y4m"
    write_portrait_clip(path, lines=HEIGHT, fps=FPS, seconds=10, pace=PACE)
    return path


@pytest.fixture
async def janus(camera: Path, tmp_path: Path) -> AsyncIterator[Janus]:  # noqa: ARG001 - it skips
    """A media server."""
    folder = tmp_path / "janus"
    folder.mkdir()
    async with running_janus(folder) as janus:
        yield janus


@pytest.fixture
async def browser(camera: Path, tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser with the portrait before its camera."""
    async with running_browser(tmp_path / "browser", camera) as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with its defaults, for all calls of a file."""
    with server_process() as server:
        yield server
