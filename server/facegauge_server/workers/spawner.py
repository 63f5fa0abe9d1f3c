"""The server's end of the zygote: starts it, asks it for workers, hears how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.zygote import MAX_PACKET_BYTES, Died, Failed, Forked, Start, Started

__all__ = ["Spawner", "ZygoteLost"]

CLOSE_GRACE_S = 2.0
ENVIRONMENT = {
    # A thread at fork time may hold a lock that no thread of the child gives back.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # MediaPipe and TensorFlow Lite: errors only.
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


class ZygoteLost(Exception):
    """The zygote is gone, and its workers with it: another one must be started."""


class Spawner:
    """A running zygote. Belongs to the event loop and ends with its thread: see `die_with_parent`."""

    def __init__(self, on_died: Callable[[int, int], None]) -> None:
        """Make the server's end; `on_died` hears of every worker's process id and exit code."""
        self._on_died = on_died
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: deque[asyncio.Future[Any]] = deque()
        self.is_lost = False

    @property
    def pid(self) -> int | None:
        """The zygote's."""
        return None if self._process is None else self._process.pid

    async def start(self, work_module: str, settings: WorkSettings) -> Started:
        """Start the zygote and wait until it can fork; raises what `prepare` raised, or ZygoteLost."""
        number = self._theirs.fileno()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - a string's wanted
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program; it starts in milliseconds
            (sys.executable, "-m", "facegauge_server.workers.zygote", str(number)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,  # a terminal's Ctrl-C is for the server alone
        )
        self._theirs.close()
        asyncio.get_running_loop().add_reader(self._control, self._read)
        answer = self._expect_answer()
        self._control.send(pickle.dumps(Start(work_module, settings, os.getpid())))
        outcome = await answer
        if isinstance(outcome, Failed):
            outcome.error.add_note(outcome.trace)
            raise outcome.error
        started: Started = outcome
        return started

    async def spawn(self, worker_fd: int, memory_fd: int, stderr_fd: int) -> tuple[int, int]:
        """Fork a worker that gets copies of these; returns its process id and pidfd. Raises ZygoteLost."""
        if self.is_lost:
            raise ZygoteLost
        answer = self._expect_answer()
        try:
            socket.send_fds(self._control, [b"fork"], [worker_fd, memory_fd, stderr_fd])
        except OSError as error:
            raise ZygoteLost from error
        forked, pidfd = await answer
        return forked.pid, pidfd

    async def close(self) -> None:
        """End the zygote, and with it all workers."""
        self._lose()
        self._theirs.close()
        process = self._process
        if process is None:
            return
        deadline = asyncio.get_running_loop().time() + CLOSE_GRACE_S
        while process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                process.kill()  # whose workers the kernel then kills
            await asyncio.sleep(0.005)

    def _expect_answer(self) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        return answer

    def _read(self) -> None:
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, MAX_PACKET_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            packet, fds = b"", []
        if not packet:
            self._lose()
            return
        message = pickle.loads(packet)  # noqa: S301 - the zygote never sees a frame
        if isinstance(message, Died):
            self._on_died(message.pid, message.exit_code)
            return
        answer = self._answers.popleft()
        if answer.done():  # nobody waits for this worker any more: its connection closes, and it ends
            for fd in fds:
                os.close(fd)
        else:
            answer.set_result((message, fds[0]) if isinstance(message, Forked) else message)

    def _lose(self) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(ZygoteLost())
        self._answers.clear()
