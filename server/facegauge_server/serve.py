"""Run the server until a signal comes: what `facegauge-server` does."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from facegauge_server.app import App, OperatorFiles, running
from facegauge_server.config import Config
from facegauge_server.errors import WorkersFailed
from facegauge_server.monitoring.signals import SignalThread
from facegauge_server.safe_log import SafeLog

__all__ = ["serve"]

EXIT_MARGIN_S = 5.0
"""Time beyond the drain's grace for everything to close, after which the process ends come what may."""


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the process, SIGHUP rereads files.

    Once it serves, it writes its addresses to standard output, one line of JSON: `{"event": "ready", ...}`.
    Raises WorkersFailed where no frame can be worked on any more. The caller has blocked the signals
    (`SignalThread.block`).
    """
    log = SafeLog()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    files: list[OperatorFiles] = []

    def reread() -> None:
        for one in files:
            one.reread()

    def on_loop(action: object) -> None:
        loop.call_soon_threadsafe(action)  # type: ignore[arg-type]

    SignalThread(
        on_stop=lambda: on_loop(stop.set),
        on_hangup=lambda: on_loop(reread),
        grace_s=config.drain_grace_s + EXIT_MARGIN_S,
    ).start()
    async with running(config) as app:
        files.append(app.files)
        _announce(app)
        await _first_set(stop, app.workers.gave_up)
        log.info("draining", streams=len(app.table), grace_s=config.drain_grace_s)
    log.info("stopped")
    if app.workers.gave_up.is_set():
        raise WorkersFailed("no frame can be worked on: the processes that do it end as they start")


def _announce(app: App) -> None:
    ready = {
        "event": "ready",
        "listen": str(app.listen),
        "metrics": app.metrics_url,
        "model": app.model,
        "engine": app.engine,
        "pid": os.getpid(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


async def _first_set(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
