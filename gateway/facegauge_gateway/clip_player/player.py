"""Play a clip as fast as the server takes it, and write its report."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from facegauge_client.playback.playback import Playback, ReplayOptions
from facegauge_client.report import Played, Recorder, Session, write_page
from facegauge_gateway.clip_player.job import Job
from facegauge_gateway.clip_player.messages import Messages, Progress
from facegauge_gateway.worded import worded

__all__ = ["play_clip"]

FPS = 5.0
PACE = f"{FPS:g} frames per second, as fast as the server took them"
PROGRESS_INTERVAL_S = 0.25


async def play_clip(job: Job, messages: Messages) -> None:
    """Play a file that has been checked; what goes wrong on the way is told in a message."""
    path = Path(job.path)
    recorder = Recorder()
    playback = Playback(path, job.stream_id, recorder)
    began, began_s = time.strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
    telling = asyncio.create_task(_tell(playback, messages))
    try:
        async with job.server.client_with_token(job.token) if job.token else job.server.client() as client:
            options = ReplayOptions(fps=FPS, speed=None, call_id=job.call_id)
            await playback.play(client, options, lambda _: None)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
    error_text = playback.error or ("" if playback.frames_sent else "none of its pictures can be read")
    if error_text:
        told = error_text.removeprefix(f"{path}: ")
        messages.send("failed", {"error": f"{job.name} did not play: {told}", "defect": ""})
        return
    messages.send("progress", asdict(_progress(playback)))
    session = Session(job.server.target, began, time.monotonic() - began_s, job.call_id, PACE)
    report = write_page(session, [Played(playback, recorder)]).encode(errors="replace")
    summary = playback.summary
    messages.send(
        "done",
        {
            "mean_quality": summary and summary.mean_quality,
            "p10_quality": summary and summary.p10_quality,
            "report_bytes": len(report),
        },
        report,
    )


async def _tell(playback: Playback, messages: Messages) -> None:
    while True:
        messages.send("progress", asdict(_progress(playback)))
        await asyncio.sleep(PROGRESS_INTERVAL_S)


def _progress(playback: Playback) -> Progress:
    begun = Progress(
        playback.fraction,
        playback.position_s,
        playback.source.duration_s if playback.source else None,
        playback.frames_sent,
    )
    if not (latest := playback.latest):
        return begun
    cause = worded(latest.main_cause) if latest.main_cause else None
    return replace(begun, quality=latest.quality, state=latest.state.value, main_cause=cause)
