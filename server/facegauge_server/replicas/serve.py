"""Run replicas until a signal comes: what `facegauge-server --replicas N` does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from facegauge_server.config import Config
from facegauge_server.errors import BadConfiguration
from facegauge_server.monitoring.signals import SignalThread
from facegauge_server.replicas.envoy_file import write_envoy_file
from facegauge_server.replicas.plan import plan_replicas
from facegauge_server.replicas.supervisor import Ready, Supervisor
from facegauge_server.safe_log import SafeLog

__all__ = ["serve_replicas"]

EXIT_MARGIN_S = 10.0
"""Time beyond the replicas' grace, which has a margin of its own, after which this process ends."""


async def serve_replicas(count: int, config: Config, flags: Sequence[str], envoy_file: Path | None) -> bool:
    """Run replicas until SIGTERM or SIGINT, then drain them; SIGHUP goes on to each.

    Returns whether all of them drained in time.

    Once all serve, it writes their addresses to standard output, one line of JSON. The caller has blocked the
    signals (`SignalThread.block`).

    Args:
        count: replicas.
        config: what they are started with, checked; its ports are the first one's.
        flags: that the command was given.
        envoy_file: written whenever a replica comes or goes.

    Raises:
        BadConfiguration: they cannot be started so.
    """
    log = SafeLog()
    loop = asyncio.get_running_loop()
    cores = os.sched_getaffinity(0)
    plans = plan_replicas(count, flags, config.listen, config.metrics_listen, cores)

    def note(replicas: list[Ready]) -> None:
        if envoy_file is None:
            return
        try:
            write_envoy_file(envoy_file, [one.listen for one in replicas])
        except OSError as error:
            log.error("cannot write the file for Envoy", path=str(envoy_file), error=str(error))

    if envoy_file is not None:
        try:
            write_envoy_file(envoy_file, [])
        except OSError as error:
            raise BadConfiguration(f"cannot write --envoy-replicas {envoy_file}: {error.strerror}") from error
    supervisor = Supervisor(plans, note)

    def on_loop(action: object, *values: object) -> None:
        loop.call_soon_threadsafe(action, *values)  # type: ignore[arg-type]

    SignalThread(
        on_stop=lambda: on_loop(supervisor.stop),
        on_hangup=lambda: on_loop(supervisor.signal, signal.SIGHUP),
        grace_s=config.drain_grace_s + EXIT_MARGIN_S,
    ).start()
    announcing = asyncio.create_task(_announce(supervisor))
    try:
        drained = await supervisor.run()
    finally:
        announcing.cancel()
    log.info("stopped", replicas=count)
    return drained


async def _announce(supervisor: Supervisor) -> None:
    await supervisor.all_ready.wait()
    replicas = [
        {"listen": str(one.listen), "metrics": one.metrics, "pid": one.pid} for one in supervisor.ready
    ]
    sys.stdout.write(json.dumps({"event": "ready", "replicas": replicas, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
