"""A supervised server: it is started again on its ports when it ends, and its log goes to a small disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from tests.under_fire.memory import memory_bytes

__all__ = ["ChaosServer", "LogDisk", "log_disk"]

START_TIMEOUT_S = 600.0
LOG_DISK_BYTES = 2**20


class LogDisk:
    """Where the server's log goes: a small file system of its own, or a device that is always full."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.log_path = Path("/dev/full") if folder is None else folder / "server.log"

    @property
    def kind(self) -> str:
        """What it is, for the table."""
        return "/dev/full, all the time" if self._folder is None else "tmpfs of 1 MiB"

    def fill(self) -> None:
        """Leave no byte free."""
        if self._folder is not None:
            with (self._folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))

    def clear(self) -> None:
        """Make room again: the filler goes, and the log begins anew."""
        if self._folder is not None:
            (self._folder / "filler").unlink(missing_ok=True)
            os.truncate(self.log_path, 0)


@contextmanager
def log_disk() -> Iterator[LogDisk]:
    """Mount a small tmpfs; where that is not allowed, /dev/full takes its place."""
    with tempfile.TemporaryDirectory(prefix="facegauge-chaos-") as name:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={LOG_DISK_BYTES}", "tmpfs", name],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            yield LogDisk(None)
            return
        try:
            yield LogDisk(Path(name))
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


class ChaosServer:
    """The server's process, through all its lives."""

    def __init__(self, disk: LogDisk) -> None:
        self._disk = disk
        self._process: subprocess.Popen[str] | None = None
        port, metrics_port = _free_ports(2)
        self.target = f"127.0.0.1:{port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self.is_serving = False
        """Whether it has started and was not asked to end."""

    async def start(self) -> None:
        """Start it, on the ports that it had before."""
        metrics = self.metrics_url.removeprefix("http://").removesuffix("/metrics")
        command = [sys.executable, "-m", "facegauge_server"]
        command += ["--listen", self.target, "--metrics-listen", metrics, "--log-format", "json"]
        # A machine that other programs keep busy is no reason here to refuse a new caller.
        command += ["--max-worker-wait", "10"]
        with self._disk.log_path.open("a") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it begins in milliseconds
                command, stdout=subprocess.PIPE, stderr=log, text=True
            )
        output = self._process.stdout
        assert output is not None
        with output:
            line = await asyncio.wait_for(asyncio.to_thread(output.readline), START_TIMEOUT_S)
        if not line:
            words = "" if self._disk.log_path.is_char_device() else self._disk.log_path.read_text()[-2000:]
            raise SystemExit(f"the server did not start: try {' '.join(command)}\n{words}")
        ready = json.loads(line)
        assert (ready["listen"], ready["metrics"]) == (self.target, self.metrics_url)
        self.is_serving = True

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the server's own process."""
        assert self._process is not None
        self.is_serving &= number is not signal.SIGTERM
        self._process.send_signal(number)

    async def ended(self, timeout_s: float) -> int:
        """Wait for its end; return the exit code, raise TimeoutError where it does not end."""
        assert self._process is not None
        async with asyncio.timeout(timeout_s):
            while (code := self._process.poll()) is None:
                await asyncio.sleep(0.05)
        return code

    async def close(self) -> None:
        """End it, whatever it does."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            await self.ended(30)
        except TimeoutError:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def memory_bytes(self) -> int:
        """Memory of the server and its workers."""
        assert self._process is not None
        return memory_bytes(psutil.Process(self._process.pid))

    def kill_a_worker(self, chance: random.Random) -> bool:
        """Kill one of the processes that work on frames; returns False where there is none at the moment."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            zygotes = psutil.Process(self._process.pid).children()
            workers = sorted(
                (worker for zygote in zygotes for worker in zygote.children()), key=lambda one: one.pid
            )
            if workers:
                chance.choice(workers).kill()
                return True
        return False

    async def is_ready(self, within_s: float) -> bool:
        """Whether /livez answers at once and /readyz says yes within a time."""
        base = self.metrics_url.removesuffix("/metrics")
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + within_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while loop.time() < give_up_s:
                with suppress(OSError, aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{base}/livez") as alive, session.get(f"{base}/readyz") as ready:
                        if alive.status == ready.status == 200:
                            return True
                await asyncio.sleep(0.1)
        return False

    async def counts(self) -> dict[str, int]:
        """Read what /metrics says went wrong in this life of the server."""
        wanted = ("facegauge_errors_total", "facegauge_worker_restarts_total")
        found = dict.fromkeys(wanted, 0)
        async with aiohttp.ClientSession() as session, session.get(self.metrics_url) as response:
            for line in (await response.text()).splitlines():
                name = line.partition("{")[0]
                if name in found:
                    found[name] += int(float(line.rpartition(" ")[2]))
        return found


def _free_ports(count: int) -> list[int]:
    """Return ports outside the range that the kernel gives to clients.

    A client that tries again and again to reach a port of that range may be given this very port, and then
    holds a connection with itself when the server wants its port back.
    """
    first, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as sock, suppress(OSError):
            port = random.randrange(10_000, int(first))  # noqa: S311 - any free one will do
            sock.bind(("127.0.0.1", port))
            found.append(port)
    return found
