"""One worker as the server sees it: a connection, shared memory, a process to kill, its processor time."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from facegauge_server.coded_types import UnitRun
from facegauge_server.errors import BadFrame
from facegauge_server.types import EncodedFrame
from facegauge_server.workers.frame_memory import FrameMemory
from facegauge_server.workers.messages import (
    MAX_PACKET_BYTES,
    BadReply,
    Forget,
    Reply,
    Request,
    RunRequest,
    Worked,
    encode,
    read_reply,
)
from facegauge_server.workers.spawner import Spawner

__all__ = ["WorkerProcess"]

LAST_WORDS_BYTES = 4000

_libc = ctypes.CDLL(None, use_errno=True)


class WorkerProcess:
    """A worker from its fork to its end. Belongs to the event loop."""

    def __init__(self, crop_shape: tuple[int, int, int], crop_bytes: int) -> None:
        """Make all that is shared with it.

        Args:
            crop_shape: height, width and colours of a crop.
            crop_bytes: room for the crops of one frame; 0 where none come back.
        """
        self._connection, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setblocking(False)
        self._memory = FrameMemory()
        self._stderr_fd = os.memfd_create("facegauge-worker-stderr")
        self._packet = bytearray(MAX_PACKET_BYTES)
        self._crop_shape = crop_shape
        self._crop_bytes = crop_bytes
        self._pidfd: int | None = None
        self._cpu_clock: int | None = None
        self.pid = 0

    async def start(
        self, spawner: Spawner, on_reply: Callable[[Reply], None], on_end: Callable[[str], None]
    ) -> None:
        """Fork it.

        Args:
            spawner: whose zygote forks.
            on_reply: hears every reply, `Ready` first.
            on_end: hears once, in words, why no more will come.
        """
        self.pid, self._pidfd = await spawner.spawn(self._theirs.fileno(), self._memory.fd, self._stderr_fd)
        self._theirs.close()
        self._cpu_clock = _cpu_clock(self.pid)
        self._on_reply, self._on_end = on_reply, on_end
        asyncio.get_running_loop().add_reader(self._connection, self._read)

    def send(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> bool:
        """Hand it a frame, when it has none; returns False where it has died in between."""
        return self._send(Request.of(frame, tracker, display_lines), frame.data)

    def send_run(self, run: UnitRun, decoder: int, tracker: bytes, display_lines: int) -> bool:
        """Hand it units to decode, as `send`; `decoder` is the number of their stream's decoder."""
        data = b"".join(unit.frame.data for unit in run.units)
        return self._send(RunRequest.of(run, decoder, tracker, display_lines), data)

    def forget(self, decoder: int) -> None:
        """Have it free a stream's decoder."""
        with contextlib.suppress(OSError):  # it has ended, or so many wait that it hears of the next one
            self._connection.send(encode(Forget(decoder)))

    def _send(self, request: Request | RunRequest, data: bytes) -> bool:
        packet = encode(request)
        if len(packet) > MAX_PACKET_BYTES:
            raise BadFrame(f"the stream's faces take {len(packet)} bytes, of {MAX_PACKET_BYTES} at most")
        self._memory.write(data, self._crop_bytes)
        try:
            self._connection.send(packet)
        except OSError:
            return False
        return True

    def cpu_s(self) -> float:
        """Return the processor time of all its threads since its fork, seconds; 0 once it has ended."""
        if self._cpu_clock is None:
            return 0.0
        try:
            return time.clock_gettime(self._cpu_clock)
        except OSError:
            return 0.0

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error."""
        size = os.fstat(self._stderr_fd).st_size
        words = os.pread(self._stderr_fd, LAST_WORDS_BYTES, max(0, size - LAST_WORDS_BYTES))
        return words.decode(errors="replace").strip()

    def kill(self) -> None:
        """End it now; `on_end` is not called."""
        self.disconnect()
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def disconnect(self) -> None:
        """Close the connection, at which an idle worker ends by itself."""
        if self._connection.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._connection)
        self._connection.close()
        self._theirs.close()

    def close(self) -> None:
        """Give back the rest."""
        self.disconnect()
        self._memory.close()
        os.close(self._stderr_fd)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def read_rest(self) -> None:
        """Take in what it said before it ended, and call `on_end`."""
        while self._connection.fileno() >= 0:
            self._read(is_over=True)

    def _read(self, *, is_over: bool = False) -> None:
        try:
            size = self._connection.recv_into(self._packet)
        except BlockingIOError:
            if not is_over:
                return
            size = 0
        except OSError:
            size = 0
        if not size:
            self.disconnect()
            self._on_end("crash")
            return
        try:
            reply = self._with_crops(read_reply(memoryview(self._packet)[:size]))
        except BadReply as error:
            self.kill()
            self._on_end(str(error))
            return
        self._on_reply(reply)

    def _with_crops(self, reply: Reply) -> Reply:
        if not isinstance(reply, Worked) or not reply.cropped:
            return reply
        height, width, colours = self._crop_shape
        size = len(reply.cropped) * height * width * colours
        if size > self._crop_bytes:
            raise BadReply(f"a reply has {len(reply.cropped)} crops")
        return replace(reply, crop_pixels=self._memory.read(size))


def _cpu_clock(pid: int) -> int | None:
    """Return a process's clock of processor time (POSIX `clock_getcpuclockid`); None once it has ended."""
    clock = ctypes.c_int()
    return None if _libc.clock_getcpuclockid(pid, ctypes.byref(clock)) else clock.value
