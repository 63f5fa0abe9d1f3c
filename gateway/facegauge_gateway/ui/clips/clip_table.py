"""The clips that there are: so many at a time, and reports for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from facegauge_gateway.http.refusals import RETRY_LATER
from facegauge_gateway.ui.clips.clip import Clip
from facegauge_gateway.ui.ui_metrics import UiMetrics

__all__ = ["ClipTable"]

KEPT = 16
KEPT_BYTES = 64 * 2**20
KEPT_S = 3600.0
"""How many clips that ended are kept, with how much of reports, and for how long."""
NAME_CHARS = 110
"""What of a file's name goes into a stream's id, which has 128 at most."""
REMEMBERED_NAMES = 256


class ClipTable:
    """Clips by their id."""

    def __init__(self, max_clips: int, metrics: UiMetrics) -> None:
        self._max_clips = max_clips
        self._metrics = metrics
        self._busy = 0
        self._clips: dict[str, Clip] = {}
        self._used: dict[str, int] = {}
        """How often a name was used, the newest names."""

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place while a clip is on its way in; raises 429 where there is none."""
        if self._busy + len(self._playing) >= self._max_clips:
            raise web.HTTPTooManyRequests(
                text=f"{self._max_clips} clips play already (--max-clips): wait until one has ended\n",
                headers=RETRY_LATER,
            )
        self._busy += 1
        self._count()
        try:
            yield
        except web.HTTPException:
            self._metrics.clips_ended.labels("refused").inc()
            raise
        finally:
            self._busy -= 1
            self._count()

    def make(self, file_name: str) -> Clip:
        """Make a clip, whose stream is called as the file is, and as no other clip's."""
        base = file_name.replace("\\", "/").rpartition("/")[2]
        name = "".join(character if character.isprintable() else "?" for character in base).strip()
        name = name[-NAME_CHARS:] or "clip"
        number = self._used.pop(name, 0) + 1
        self._used[name] = number
        if len(self._used) > REMEMBERED_NAMES:
            del self._used[next(iter(self._used))]
        return Clip(name, name if number == 1 else f"{name}#{number}")

    def keep(self, clip: Clip) -> None:
        """Keep a clip that plays, and for a while after its end."""
        self._clips[clip.id] = clip
        self._count()
        task = asyncio.create_task(self._until_end(clip))
        task.add_done_callback(lambda _: self._tidy())

    def get(self, clip_id: str) -> Clip:
        """Return a clip; raises 404 where it is not there any more."""
        self._tidy()
        clip = self._clips.get(clip_id)
        if clip is None:
            raise web.HTTPNotFound(
                text="there is no such clip: it was cancelled, or its time is over: drop the file again\n"
            )
        return clip

    async def forget(self, clip: Clip) -> None:
        """Cancel a clip that plays, and drop what is kept of it."""
        self._clips.pop(clip.id, None)
        clip.cancel()
        await clip.ended()

    async def close(self) -> None:
        """Cancel all."""
        for clip in self._playing:
            clip.cancel()
        await asyncio.gather(*(clip.ended() for clip in self._clips.values()))
        self._clips.clear()

    @property
    def _playing(self) -> list[Clip]:
        return [clip for clip in self._clips.values() if not clip.result]

    async def _until_end(self, clip: Clip) -> None:
        await clip.ended()
        self._metrics.clips_ended.labels(clip.result).inc()

    def _tidy(self) -> None:
        """Forget what has been kept for long enough, the oldest first."""
        now_s = asyncio.get_running_loop().time()
        ended = sorted(
            (clip for clip in self._clips.values() if clip.ended_s is not None),
            key=lambda clip: clip.ended_s or 0.0,
        )
        size = sum(len(clip.report) for clip in ended)
        for number, clip in enumerate(ended):
            is_old = now_s - (clip.ended_s or 0.0) > KEPT_S
            if is_old or len(ended) - number > KEPT or size > KEPT_BYTES:
                del self._clips[clip.id]
                size -= len(clip.report)
        self._count()

    def _count(self) -> None:
        self._metrics.clips.set(self._busy + len(self._playing))
