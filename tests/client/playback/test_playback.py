"""One file as one stream: what it counts, and what a broken connection does to it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facegauge_client import Assessment, Client, FrameResult
from facegauge_client.playback.playback import Playback, ReplayOptions
from facegauge_client.sdk.frames import Picture
from tests.client.conftest import ScriptedService

FRAMES = 6


class Observer:
    """Notes the times of frames and of their assessments."""

    def __init__(self) -> None:
        self.sent_s: list[float] = []
        self.answered_s: list[float | None] = []

    def sent(self, picture: Picture, capture_time_s: float) -> None:
        assert picture is not None
        self.sent_s.append(capture_time_s)

    def answered(self, assessment: Assessment) -> None:
        self.answered_s.append(assessment.capture_time_s)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    return tmp_path


async def play(folder: Path, target: str, options: ReplayOptions) -> tuple[Playback, Observer]:
    observer = Observer()
    playback = Playback(folder, "a", observer)
    assert (playback.fraction, playback.fps) == (None, 0.0)
    async with Client(target) as client:
        await playback.play(client, options, lambda _: None)
    return playback, observer


async def test_a_playback_counts_its_frames_and_informs_its_observer(target: str, folder: Path) -> None:
    """Every frame is sent, answered and counted; the observer, given on construction, sees each of them."""
    playback, observer = await play(folder, target, ReplayOptions(fps=5.0, speed=None))
    assert playback.error is None
    assert (playback.frames_sent, playback.results[FrameResult.SCORED], playback.fraction) == (6, 6, 1.0)
    assert observer.sent_s == observer.answered_s == [number / 5 for number in range(FRAMES)]
    assert (playback.reconnects, playback.restarts) == (0, 0)


async def test_at_a_given_speed_a_restart_costs_no_frame(
    service: ScriptedService, target: str, folder: Path
) -> None:
    """The frames without an answer are sent again, and the restart is counted."""
    service.break_after_frames, service.forget_streams = [2], True
    playback, observer = await play(folder, target, ReplayOptions(fps=5.0, speed=1000.0))
    assert playback.error is None
    assert observer.answered_s == [number / 5 for number in range(FRAMES)]
    assert (playback.frames_sent, playback.reconnects, playback.restarts) == (6, 1, 1)


async def test_without_a_speed_a_broken_connection_is_an_error(
    service: ScriptedService, target: str, folder: Path
) -> None:
    """Scores after a restart would begin with new smoothing: the run fails instead."""
    service.break_after_frames = [2]
    playback, _ = await play(folder, target, ReplayOptions(fps=5.0, speed=None))
    assert playback.error is not None
    assert "broke" in playback.error or "is not available" in playback.error
    assert len(service.configs) == 1
