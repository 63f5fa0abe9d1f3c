"""The process that workers are forked from: has imported all that they need, and started none of it.

    python -m facegauge_server.workers.zygote FD    # started by `spawner.py`, which holds the other end of FD

Importing takes seconds, forking milliseconds. Nothing is compiled and no thread runs here, so that a fork is
a clean copy: OpenVINO does not survive a fork once it has compiled a network, so a child does that once for
all workers, returns the result as bytes and ends. `multiprocessing`'s forkserver would do the forking, but
makes its caller wait for it, swallows what goes wrong in imports, and has no place for what is prepared once.
"""

from __future__ import annotations

import array
import gc
import importlib
import os
import pickle
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass

from facegauge_server.errors import OperatorError
from facegauge_server.workers.confinement import die_with_parent, leave_signals_to_the_server
from facegauge_server.workers.settings import Prepared, WorkSettings

__all__ = ["MAX_PACKET_BYTES", "Died", "Failed", "Forked", "Start", "Started", "main"]

MAX_PACKET_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """The server's first packet."""

    work_module: str
    """Has `prepare` and `make` as `frame_work.py` has them; tests put in their own."""
    settings: WorkSettings
    server_pid: int


@dataclass(frozen=True, slots=True)
class Started:
    """Workers can be forked now."""

    engine: str
    precision: str


@dataclass(frozen=True, slots=True)
class Failed:
    """There will be no workers."""

    error: Exception
    trace: str


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker began; its pidfd comes with this packet."""

    pid: int


@dataclass(frozen=True, slots=True)
class Died:
    """A worker ended."""

    pid: int
    exit_code: int
    """Negative: the signal that killed it."""


def main(control_fd: int) -> None:
    """Import, prepare, then fork a worker for every packet that brings its file descriptors."""
    with socket.socket(fileno=control_fd) as control:
        start: Start = pickle.loads(control.recv(MAX_PACKET_BYTES))  # noqa: S301 - from our parent
        die_with_parent(start.server_pid)
        leave_signals_to_the_server()
        try:
            importlib.import_module(start.work_module)
            importlib.import_module("facegauge_server.workers.worker")
            prepared = _prepared_by_a_child(start)
        except Exception as error:  # noqa: BLE001 - the server raises it
            failure = error if isinstance(error, OperatorError | RuntimeError) else RuntimeError(repr(error))
            control.send(pickle.dumps(Failed(failure, traceback.format_exc()[-8000:])))
            return
        gc.collect()
        gc.freeze()  # the children's collections then leave the shared pages alone
        nursery = _Nursery(control, start, prepared)
        try:
            control.send(pickle.dumps(Started(prepared.engine, prepared.precision)))
            nursery.run()
        except (BrokenPipeError, ConnectionResetError):  # the server is gone
            nursery.kill_all()


def _prepared_by_a_child(start: Start) -> Prepared:
    read_end, write_end = os.pipe()
    stderr_fd = os.memfd_create("facegauge-prepare-stderr")
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        outcome: Prepared | Exception
        try:
            die_with_parent(parent)
            os.dup2(stderr_fd, 2)  # MediaPipe greets there; it is read where this process dies
            outcome = importlib.import_module(start.work_module).prepare(start.settings)
        except Exception as error:  # noqa: BLE001 - raised again on the other side
            known = isinstance(error, OperatorError)
            outcome = error if known else RuntimeError(traceback.format_exc()[-8000:])
        with os.fdopen(write_end, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        packet = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not packet:
        code = os.waitstatus_to_exitcode(status)
        words = os.pread(stderr_fd, 100_000, 0).decode(errors="replace")[-1000:]
        raise RuntimeError(f"loading the networks ended the process that did it (exit code {code}): {words}")
    os.close(stderr_fd)
    outcome = pickle.loads(packet)  # noqa: S301 - from our child
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


class _Nursery:
    """Forks, and reports how its children ended."""

    def __init__(self, control: socket.socket, start: Start, prepared: Prepared) -> None:
        self._control = control
        self._start = start
        self._prepared = prepared
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until the server closes its end, then end all workers."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._tell_of_death(key.fd, key.data)
                elif not self._fork_one():
                    self.kill_all()
                    return

    def _fork_one(self) -> bool:
        packet, fds, _, _ = socket.recv_fds(self._control, 16, 3)
        if not packet:
            return False
        worker_fd, memory_fd, stderr_fd = fds
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._live_as_worker(parent, worker_fd, memory_fd, stderr_fd)
        for fd in fds:
            os.close(fd)
        pidfd = os.pidfd_open(pid)
        self._selector.register(pidfd, selectors.EVENT_READ, pid)
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pidfd]))
        self._control.sendmsg([pickle.dumps(Forked(pid))], [rights])
        return True

    def _live_as_worker(self, zygote_pid: int, worker_fd: int, memory_fd: int, stderr_fd: int) -> None:
        code = 1
        try:
            die_with_parent(zygote_pid)
            for key in list(self._selector.get_map().values()):
                os.close(key.fd)
            self._selector.close()
            from facegauge_server.workers.worker import run_worker

            with socket.socket(fileno=worker_fd) as server:
                start = self._start
                run_worker(server, memory_fd, stderr_fd, start.work_module, start.settings, self._prepared)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may run the zygote's code in this process
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _tell_of_death(self, pidfd: int, pid: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        self._control.send(pickle.dumps(Died(pid, os.waitstatus_to_exitcode(status))))

    def kill_all(self) -> None:
        """End all workers."""
        children = [key for key in self._selector.get_map().values() if key.fileobj is not self._control]
        for key in children:
            signal.pidfd_send_signal(key.fd, signal.SIGKILL)
        for key in children:
            os.waitpid(key.data, 0)


if __name__ == "__main__":
    # Under this name, so that what is pickled here is known by the same name to the server.
    from facegauge_server.workers import zygote

    zygote.main(int(sys.argv[1]))
