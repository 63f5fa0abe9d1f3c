"""Run one door until a signal comes: what every subcommand does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from facegauge_client import Client
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.answers.lines import AnswerLines
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.http import make_http_app
from facegauge_gateway.http.app import READ_TOKENS_FLAG
from facegauge_gateway.http.listening import listening
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.readiness import Readiness
from facegauge_gateway.token_file import TokenFile

__all__ = ["Door", "Parts", "ServeSettings", "serve"]

EXIT_MARGIN_S = 5.0
"""Time beyond the drain's grace after which the process ends come what may."""


class Door(Protocol):
    """What frames come in by."""

    async def open(self) -> Mapping[str, object]:
        """Begin to take streams; returns what the ready line says of it. Raises BadConfiguration."""

    async def drain(self) -> None:
        """Take nothing new, and finish the streams."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a door is made with."""

    client: Client
    hub: AnswerHub
    metrics: Metrics
    app: web.Application
    """Not started yet: a door may add routes."""
    readiness: Readiness
    read_tokens: TokenFile | None
    """Open what names streams; None where no token is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What the doors have in common."""

    http_listen: Address
    read_tokens: Path | None = None
    """File of tokens that open /metrics, /answers and the page's data."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins of pages that may read answers, and publish; `*` for any."""
    insecure: bool = False
    tls: ssl.SSLContext | None = None
    answers: Path | None = None
    """File for lines of JSON; `-` is standard output."""
    drain_grace_s: float = 10.0

    def __post_init__(self) -> None:
        if not (self.http_listen.is_loopback or self.insecure) and (
            self.tls is None or self.read_tokens is None
        ):
            raise BadConfiguration(
                f"--http-listen {self.http_listen} would show the streams and their quality to anyone: give"
                f" --tls-cert, --tls-key and {READ_TOKENS_FLAG}, or --insecure where something else guards it"
            )


async def serve(settings: ServeSettings, client: Client, make_door: Callable[[Parts], Door]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the process.

    Once it serves, it writes a line of JSON to standard output: `{"event": "ready", "http": ..., ...}`.
    Raises BadConfiguration.
    """
    log = Log()
    stop = _stop_signal(settings.drain_grace_s + EXIT_MARGIN_S)
    metrics = Metrics()
    hub = AnswerHub(metrics)
    readers = None if settings.read_tokens is None else TokenFile(READ_TOKENS_FLAG, settings.read_tokens)
    lines = None if settings.answers is None else AnswerLines(settings.answers)
    async with client, asyncio.TaskGroup() as tasks:
        readiness = Readiness(client.health, metrics)
        app = make_http_app(hub, metrics, readiness, readers, settings.allowed_origins)
        door = make_door(Parts(client, hub, metrics, app, readiness, readers))
        async with listening(app, settings.http_listen, settings.tls) as address:
            writing = None if lines is None else tasks.create_task(lines.write(hub))
            watching = tasks.create_task(readiness.watch())
            try:
                scheme = "http" if settings.tls is None else "https"
                _announce({"http": f"{scheme}://{address}", **await door.open()})
                await stop.wait()
                log.info("draining", grace_s=settings.drain_grace_s)
                readiness.drain()
                await _within(settings.drain_grace_s, door.drain(), log)
            finally:
                watching.cancel()
                hub.close()
                if writing is not None:
                    await asyncio.wait([writing])
    log.info("stopped")


def _announce(facts: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps({"event": "ready", **facts, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()


async def _within(grace_s: float, work: Awaitable[None], log: Log) -> None:
    try:
        async with asyncio.timeout(grace_s):
            await work
    except TimeoutError:
        log.warning("not all streams finished in time", grace_s=grace_s)


def _stop_signal(longest_s: float) -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets; a second one, or `longest_s`, ends the process."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stop_or_leave() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        deadline = threading.Timer(longest_s, os._exit, (1,))
        deadline.daemon = True
        deadline.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_or_leave)
    return stop
