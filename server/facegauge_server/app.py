"""The composition root: what the server is made of, how it starts, and how it goes down.

    config -> student, engine -> pipeline -> session table -> gRPC service, metrics endpoint

`running` builds everything, serves while its block runs, and drains at the end of it; `serve` is a block
that waits for SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from facegauge.v1 import quality_pb2, quality_pb2_grpc
from facegauge_server.admission import Turns
from facegauge_server.config import Address, Config, Tls
from facegauge_server.engines import Engine, create_engine, engine_kind
from facegauge_server.engines.student import load_student
from facegauge_server.errors import BadConfiguration, WorkersFailed
from facegauge_server.loop_lag import watch_loop
from facegauge_server.metrics import Metrics, MetricsServer, SessionCollector
from facegauge_server.pipeline import Pipeline
from facegauge_server.service import QualityService
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.workers.collector import WorkersCollector
from facegauge_server.workers.pool import FrameWorkers

__all__ = ["App", "running", "serve"]

HOUSEKEEPING_INTERVAL_S = 0.25
MESSAGE_OVERHEAD_BYTES = 64 * 1024
"""What a message may have beside the bytes of its frame."""
CLIENT_PING_INTERVAL_MS = 5_000
"""The shortest interval between keepalive pings that clients are allowed."""
SERVER_PING_INTERVAL_MS = 10_000

SERVICE_NAME = quality_pb2.DESCRIPTOR.services_by_name["QualityService"].full_name


@dataclass(frozen=True, slots=True)
class App:
    """A server that serves: where it listens and what it is made of."""

    listen: Address
    metrics_url: str
    model: str
    engine: str
    table: SessionTable
    metrics: Metrics
    workers: FrameWorkers


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[App]:
    """Serve while the block runs; drain as it ends. Raises BadConfiguration or BadModel on the way up."""
    student = load_student(config.model)
    engine: Engine | None = None  # on a CPU every worker process has its own
    if engine_kind(config.engine) == "torch":
        engine = create_engine("torch", student, threads=config.workers, precision=config.precision)
    metrics = Metrics()
    turns = Turns(config.workers, on_wait=partial(metrics.observe_stage, "wait"))
    table = SessionTable(config, metrics.observe_session, turns.wait)
    metrics.registry.register(SessionCollector(table, config.limits.max_exported_streams))
    try:
        async with Pipeline(student, engine, config, metrics) as pipeline:
            metrics.registry.register(WorkersCollector(pipeline.workers))
            metrics.set_model(student.name, pipeline.engine, pipeline.precision, student.sha256)
            health_servicer = health.aio.HealthServicer()
            server = _grpc_server(config)
            service = QualityService(table, pipeline, turns, config, metrics, student.name)
            quality_pb2_grpc.add_QualityServiceServicer_to_server(service, server)
            health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
            names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
            port = _bind(server, config)
            metrics_server = MetricsServer(metrics.registry, config.metrics_listen)
            chores = [asyncio.create_task(chore) for chore in (_housekeep(table), watch_loop(metrics))]
            try:
                # What is there now stays: collections need not look at it again (MediaPipe and OpenVINO alone
                # leave some 200,000 objects, and a full collection over them holds every stream).
                gc.collect()
                gc.freeze()
                await server.start()
                for name in ("", SERVICE_NAME):
                    await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
                listen = Address(config.listen.host, port)
                yield App(
                    listen,
                    metrics_server.url,
                    student.name,
                    pipeline.engine,
                    table,
                    metrics,
                    pipeline.workers,
                )
            finally:
                await health_servicer.enter_graceful_shutdown()
                metrics.set_draining()
                table.drain(time.monotonic())
                await server.stop(config.drain_grace_s)
                for chore in chores:
                    chore.cancel()
                await asyncio.gather(*chores, return_exceptions=True)
                metrics_server.close()
    finally:
        if engine is not None:
            engine.close()


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal exits at once.

    As soon as it serves, one line of JSON on standard output says where: `{"event": "ready", ...}`.
    """
    log = structlog.get_logger()
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            log.warning("second signal: exiting without finishing")
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with running(config) as app:
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
        await _first_set(stop, app.workers.gave_up)
        log.info("draining", streams=len(app.table), grace_s=config.drain_grace_s)
    log.info("stopped")
    if app.workers.gave_up.is_set():
        raise WorkersFailed("no frame can be worked on: the processes that do it end as they start")


def _grpc_server(config: Config) -> grpc.aio.Server:
    options = (
        ("grpc.max_receive_message_length", config.limits.max_message_bytes + MESSAGE_OVERHEAD_BYTES),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", SERVER_PING_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", SERVER_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", CLIENT_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", 0),
    )
    return grpc.aio.server(options=options)


def _bind(server: grpc.aio.Server, config: Config) -> int:
    """Claim the port, with TLS where it is configured; returns the port that was bound."""
    try:
        if config.tls is None:
            return server.add_insecure_port(str(config.listen))
        return server.add_secure_port(str(config.listen), _credentials(config.tls))
    except RuntimeError as error:
        causes = "is it taken? Choose another --listen"
        if config.tls is not None:
            files = f"{config.tls.certificate} and {config.tls.key}"
            causes = f"do {files} hold a certificate and its key in PEM? Otherwise, {causes}"
        raise BadConfiguration(f"cannot listen on {config.listen}: {causes}") from error


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    try:
        certificate = tls.certificate.read_bytes()
        pair = (tls.key.read_bytes(), certificate)
        client_ca = None if tls.client_ca is None else tls.client_ca.read_bytes()
    except OSError as error:
        raise BadConfiguration(f"cannot read {error.filename}: {error.strerror}") from error
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


async def _first_set(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _housekeep(table: SessionTable) -> None:
    while True:
        await asyncio.sleep(HOUSEKEEPING_INTERVAL_S)
        table.housekeep(time.monotonic())
