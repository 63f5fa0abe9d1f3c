"""A clip that is dropped on the page ends as the report of `facegauge replay --report`, or as a sentence."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from .clip_files import playlist, video
from .page_reader import Page

Pixels = npt.NDArray[np.uint8]


async def drop(page: Page, name: str, data: bytes) -> dict[str, str]:
    """Upload a file that is taken; returns its ids."""
    status, text = await page.ask("POST", f"/ui/clips?name={quote(name)}", data=data)
    assert status == 201, text
    return json.loads(text)  # type: ignore[no-any-return]  # JSON


async def end_of(page: Page, clip: dict[str, str]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """How it ended, and the progress until then."""
    progress: list[dict[str, Any]] = []
    async with page.events(f"/ui/clips/{clip['id']}") as events:
        while True:
            kind, data = await events.next()
            if kind != "progress":
                return kind, data, progress
            progress.append(data)


async def test_a_clip_becomes_a_report(page: Page, astronaut: Pixels) -> None:
    """With progress on the way; the report is HTML that may run nothing, and is gone once it is forgotten."""
    clip = await drop(page, "C:\\fakepath\\<b>holiday</b>.mp4", video(astronaut))
    assert clip["stream_id"] == "b>.mp4", "what follows the last slash"
    kind, data, progress = await end_of(page, clip)
    assert kind == "done", data
    assert 0 < data["p10_quality"] <= data["mean_quality"] <= 1
    assert {"fraction", "position_s", "duration_s", "frames_sent", "quality", "state", "main_cause"} == set(
        progress[-1]
    )
    async with page.session.get(page.http + data["report"]) as response:
        text = await response.text()
        assert response.status == 200
        assert "script" not in response.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    assert "<svg" in text
    assert "data:image/jpeg" in text
    assert "<b>holiday" not in text
    assert (await page.ask("DELETE", f"/ui/clips/{clip['id']}"))[0] == 200
    assert (await page.ask("GET", data["report"]))[0] == 404


async def test_a_picture_becomes_a_report(page: Page, astronaut: Pixels) -> None:
    """JPEG, PNG and WebP, whatever they are called."""

    async def drop_as(suffix: str) -> None:
        encoded = cv2.imencode(suffix, cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))[1].tobytes()
        kind, data, _ = await end_of(page, await drop(page, "portrait.mp4", encoded))
        assert kind == "done", data
        assert data["mean_quality"] > 0.3

    await asyncio.gather(*map(drop_as, (".jpg", ".png", ".webp")))


async def test_two_tabs_drop_the_same_file(page: Page, astronaut: Pixels) -> None:
    """Each gets a stream of its own, with the file's name in it."""
    data = video(astronaut, seconds=1)
    clips = [await drop(page, "twice.mp4", data) for _ in range(2)]
    assert [clip["stream_id"] for clip in clips] == ["twice.mp4", "twice.mp4#2"]
    for clip in clips:
        assert (await end_of(page, clip))[0] == "done"


BAD = {
    "text": (b"no video at all, whatever it is called\n" * 100, "no video or picture"),
    "nothing": (b"", "empty"),
    "a playlist": (playlist("http://127.0.0.1:9/secret.ts"), "no video or picture"),
    "a list of files": (b"ffconcat version 1.0\nfile /etc/hostname\n", "no video or picture"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_no_clip_gets_a_sentence(page: Page, case: str) -> None:
    data, words = BAD[case]
    status, text = await page.ask("POST", "/ui/clips?name=clip.mp4", data=data)
    assert (status, words in text) == (422, True), text
