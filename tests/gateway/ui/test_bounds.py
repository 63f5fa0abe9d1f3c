"""What may not be asked, who may not ask, what there is too much of: a sentence each, and nothing hangs."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from yarl import URL

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.gateway_process import GatewayProcess, run_gateway

from .clip_files import video
from .page_reader import Page, page_of

TOKEN, PUBLISH_TOKEN = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
CLIP = "/ui/clips?name=clip.mp4"
MB = 10**6


@pytest.fixture(scope="module")
def narrow(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway that asks for tokens, and takes one clip of 1 MB at a time."""
    folder = tmp_path_factory.mktemp("narrow")
    for name, token in (("read", TOKEN), ("publish", PUBLISH_TOKEN)):
        (folder / name).write_text(token + "\n")
    tokens = ("--read-tokens", str(folder / "read"), "--publish-tokens", str(folder / "publish"))
    with run_gateway(
        folder, server.listen, "ui", *tokens, "--max-clip-mb", "1", "--max-clips", "1"
    ) as process:
        yield process


@pytest.fixture
async def narrow_page(narrow: GatewayProcess) -> AsyncIterator[Page]:
    async with page_of(narrow.http) as opened:
        yield opened


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_opens_what_names_streams(narrow_page: Page) -> None:
    """The page itself needs none, and says which it wants; a clip takes the token of publishers."""
    assert (await narrow_page.ask("GET", "/"))[0] == 200
    info = json.loads((await narrow_page.ask("GET", "/ui/info"))[1])
    assert info["needs_read_token"] is info["needs_publish_token"] is True
    assert info["max_clip_bytes"] == MB
    for path in ("/ui/streams", "/ui/stream?stream_id=a", "/ui/events"):
        for headers in ({}, bearer(PUBLISH_TOKEN)):
            status, text = await narrow_page.ask("GET", path, headers=headers)
            assert (status, "--read-tokens" in text) == (401, True)
        async with narrow_page.events(path, **bearer(TOKEN)):
            pass
    for headers in ({}, bearer(TOKEN)):
        status, text = await narrow_page.ask("POST", CLIP, headers=headers, data=b"clip")
        assert (status, "--publish-tokens" in text) == (401, True)


async def test_a_clip_that_is_too_large_is_refused(narrow_page: Page) -> None:
    """By what it says of its length, and by counting what comes."""

    async def much() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(MB // 10)

    for data in (bytes(MB + 1), much()):
        status, text = await narrow_page.ask("POST", CLIP, headers=bearer(PUBLISH_TOKEN), data=data)
        assert (status, "1 MB (--max-clip-mb)" in text) == (413, True), text


async def test_a_full_disk_is_told(narrow: GatewayProcess, narrow_page: Page) -> None:
    """As a limit on the size of files stands for it."""
    before = resource.prlimit(narrow.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(narrow.process.pid, resource.RLIMIT_FSIZE, (MB // 2, before[1]))
    try:
        status, text = await narrow_page.ask("POST", CLIP, headers=bearer(PUBLISH_TOKEN), data=bytes(MB - 1))
    finally:
        resource.prlimit(narrow.process.pid, resource.RLIMIT_FSIZE, before)
    assert (status, "TMPDIR" in text) == (507, True), text


async def test_no_more_clips_than_may_and_none_that_is_cancelled(
    narrow: GatewayProcess, narrow_page: Page, astronaut: npt.NDArray[np.uint8]
) -> None:
    """While one is on its way the next is refused; one that broke off, or is cancelled, leaves its place."""
    held = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"the beginning"
        await held.wait()

    first = asyncio.create_task(narrow_page.ask("POST", CLIP, headers=bearer(PUBLISH_TOKEN), data=slowly()))
    while narrow.get("/metrics", **bearer(TOKEN))[1].count("facegauge_gateway_ui_clips 1.0") == 0:
        await asyncio.sleep(0.02)
    status, text = await narrow_page.ask("POST", CLIP, headers=bearer(PUBLISH_TOKEN), data=b"clip")
    assert (status, "--max-clips" in text) == (429, True)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    clip = video(astronaut, seconds=20)
    async with asyncio.timeout(60):
        while (answer := await narrow_page.ask("POST", CLIP, headers=bearer(PUBLISH_TOKEN), data=clip))[
            0
        ] != 201:
            await asyncio.sleep(0.05)
    path = f"/ui/clips/{json.loads(answer[1])['id']}"
    async with narrow_page.events("/ui/streams", **bearer(TOKEN)) as wall:
        async with narrow_page.events(path) as events:
            await events.next("progress")
            assert (await narrow_page.ask("GET", path + "/report"))[0] == 404
            assert (await narrow_page.ask("DELETE", path))[0] == 200
            kind, data = await events.next("failed", "done")
            assert (kind, data) == ("failed", {"error": "the clip was cancelled"})
        while "clip.mp4" in {entry["stream_id"] for entry in (await wall.next())[1].get("streams", ())}:
            pass
    assert (await narrow_page.ask("GET", path))[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_page_changes_nothing(page: Page, headers: dict[str, str]) -> None:
    """Whatever a browser says of a page that is not the gateway's own (CSRF)."""
    for method in ("POST", "DELETE"):
        status, text = await page.ask(method, "/ui/clips/x", headers=headers)
        assert (status, "another page" in text) == (403, True)


async def test_another_page_holds_no_readers_place(page: Page) -> None:
    """Nor can it read, of course; a link to a report works from anywhere."""
    assert (await page.ask("GET", "/ui/streams", headers={"Sec-Fetch-Site": "cross-site"}))[0] == 403
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await page.ask("GET", "/ui/streams", headers=followed))[0] == 403
    assert (await page.ask("GET", "/ui/clips/x/report", headers=followed))[0] == 404


async def test_a_name_that_points_here_is_not_enough(page: Page, narrow_page: Page) -> None:
    """DNS rebinding: without tokens the Host must name loopback, for WHIP and the rest too."""
    for path in ("/", "/ui/info", "/answers", "/metrics", "/whip/a"):
        for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "[", "192.0.2.1"):
            status, text = await page.ask("GET", path, headers={"Host": host})
            assert (status, "127.0.0.1" in text) == (421, True)
    for host in ("localhost:1", "[::1]:9466", "127.0.0.1", "LOCALHOST"):
        assert (await page.ask("GET", "/ui/info", headers={"Host": host}))[0] == 200
    assert (await narrow_page.ask("GET", "/ui/info", headers={"Host": "gateway.example"}))[0] == 200


async def test_paths_lead_to_the_pages_files_alone(page: Page) -> None:
    """By their names, with what they are; unchanged ones are not sent again."""
    async with page.session.get(page.http + "/") as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        etag = response.headers["ETag"]
    assert (await page.ask("GET", "/", headers={"If-None-Match": etag}))[0] == 304
    async with page.session.get(page.http + "/assets/app.js") as response:
        assert response.headers["Content-Type"].startswith("text/javascript")
    for name in (
        "../door.py",
        "%2e%2e/door.py",
        "vendor",
        "vendor/../../door.py",
        "/etc/passwd",
        "app.js%00",
    ):
        url = URL(page.http + "/assets/" + name, encoded=True)
        async with page.session.get(url) as response:
            assert response.status == 404, name


async def test_every_answer_forbids_what_it_does_not_need(page: Page) -> None:
    """The page, data, refusals and what is not there."""
    for path in ("/", "/ui/info", "/ui/stream", "/nowhere", "/livez"):
        async with page.session.get(page.http + path) as response:
            headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == ("no-cache" if path == "/" else "no-store")


async def test_names_that_are_too_long_or_missing(page: Page) -> None:
    for path in ("/ui/stream", "/ui/stream?stream_id=" + "a" * 129, "/ui/events?tenant=" + "a" * 129):
        assert (await page.ask("GET", path))[0] == 400
