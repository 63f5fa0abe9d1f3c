"""One clip: played by a process of its own, watched by pages, and a report at the end."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

from facegauge_gateway.clip_player.job import Job
from facegauge_gateway.clip_player.messages import MAX_LINE_BYTES, MAX_REPORT_BYTES, Progress
from facegauge_gateway.http.server_sent import sse_message
from facegauge_gateway.log import Log
from facegauge_gateway.ui.news import News

__all__ = ["Clip", "ClipRefused"]

PLAYER = (sys.executable, "-P", "-m", "facegauge_gateway.clip_player")
OPEN_TIMEOUT_S = 60.0
"""Time that the process may take to start and to open the file."""
STOP_TIMEOUT_S = 3.0
UNWATCHED_S = 30.0
"""A clip that nobody watches for so long is given up."""
CANCELLED = "the clip was cancelled"


class ClipRefused(Exception):
    """A file that is not played; the text says why, in a sentence."""


class Clip:
    """A clip from its upload to its report."""

    def __init__(self, name: str, stream_id: str) -> None:
        self.id = secrets.token_urlsafe(18)
        """Whoever knows it may see the clip's report."""
        self.name = name
        self.stream_id = stream_id
        self.result = ""
        """`played`, `failed` or `cancelled` once it has ended."""
        self.report: bytes = b""
        self.ended_s: float | None = None
        """When it ended, on the event loop's clock."""
        self._news = News()
        self._message = sse_message("progress", json.dumps(asdict(Progress())))
        self._readers = 0
        self._unwatched: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self, job: Job, file: IO[bytes]) -> None:
        """Play the file, which is closed here: the process alone has it. Raises ClipRefused."""
        with file:
            self._process = await asyncio.create_subprocess_exec(
                *PLAYER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(file.fileno(),),
                limit=MAX_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is the gateway's to handle
            )
        opened = False
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._stdin.write(job.to_line())
                first = await self._read_line()
            if first is None or first["event"] == "failed":
                raise ClipRefused(f"{self.name} cannot be opened: its player ended at once")
            if first["event"] == "refused":
                raise ClipRefused(first["error"])
            opened = True
        except TimeoutError:
            raise ClipRefused(f"{self.name} could not be opened within {OPEN_TIMEOUT_S:g} s") from None
        finally:
            if not opened:
                await self._stop()
        self._running = asyncio.create_task(self._run(), name=f"clip {self.stream_id}")
        self._leave_unwatched()

    async def messages(self) -> AsyncGenerator[bytes]:
        """Yield how far it is, the newest each time, and at last how it ended."""
        self._readers += 1
        if self._unwatched is not None:
            self._unwatched.cancel()
        try:
            seen = -1
            while True:
                seen = await self._news.after(seen)
                yield self._message
                if self.result:
                    return
        finally:
            self._readers -= 1
            if not self._readers:
                self._leave_unwatched()

    def cancel(self) -> None:
        """Let it end soon; `ended` waits for it."""
        if self._running is not None and not self._is_cancelled:
            self._is_cancelled = True
            self._running.cancel()

    async def ended(self) -> None:
        """Wait until nothing of it runs any more."""
        if self._running is not None:
            await asyncio.wait([self._running])

    # The process

    async def _run(self) -> None:
        crashed = {"error": f"{self.name} made its player crash: the file may be damaged"}
        last: dict[str, Any] = crashed
        try:
            while (message := await self._read_line()) is not None:
                if message["event"] == "progress":
                    self._tell("progress", message)
                    continue
                last = message
                break
            if last.get("event") == "done":
                size = last.pop("report_bytes")
                if size > MAX_REPORT_BYTES:
                    last = {
                        "error": f"the report of {self.name} is too large to keep: use `facegauge replay`"
                    }
                else:
                    self.report = await self._stdout.readexactly(size)
        except asyncio.CancelledError:
            last = {"error": CANCELLED}
        except (ValueError, asyncio.IncompleteReadError) as error:
            last = crashed
            Log(stream_id=self.stream_id).warning("a clip's player was not understood", reason=str(error))
        finally:
            try:
                await self._stop()
            finally:
                self._end(last)

    def _end(self, last: dict[str, Any]) -> None:
        if defect := last.pop("defect", ""):
            Log(stream_id=self.stream_id).warning("a clip's player failed", defect=defect)
        self.ended_s = asyncio.get_running_loop().time()
        if self._unwatched is not None:
            self._unwatched.cancel()
        if self.report:
            self.result = "played"
            self._tell("done", {"report": f"/ui/clips/{self.id}/report", **last})
        else:
            self.result = "cancelled" if self._is_cancelled else "failed"
            error = CANCELLED if self._is_cancelled else last.get("error", f"{self.name} did not play")
            self._tell("failed", {"error": error})

    def _tell(self, event: str, fields: dict[str, Any]) -> None:
        fields.pop("event", None)
        self._message = sse_message(event, json.dumps(fields))
        self._news.tell()

    async def _read_line(self) -> dict[str, Any] | None:
        """Return the next message; None at the end. Raises ValueError for what is none."""
        line = await self._stdout.readline()
        message: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        return message

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def _leave_unwatched(self) -> None:
        if self._running is not None and not self.result:
            self._unwatched = asyncio.get_running_loop().call_later(UNWATCHED_S, self.cancel)

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process is not None  # noqa: S101 - begun
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        return self._process.stdin

    @property
    def _stdout(self) -> asyncio.StreamReader:
        assert self._process is not None  # noqa: S101 - begun
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return self._process.stdout
