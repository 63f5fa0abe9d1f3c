"""The composition root: what the server is made of, how it starts, and how it shuts down.

    config -> student, engine -> pipeline -> session table -> gRPC service, monitoring endpoint

`running` builds everything, serves while its block runs, and drains at its end; `serve.py` runs it until a
signal comes.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from facegauge_server.access.gatekeeper import Gatekeeper
from facegauge_server.access.keys import KeyFile
from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.calibration import ServedModel, load_calibration
from facegauge_server.checkpoints.issuer import CheckpointIssuer
from facegauge_server.checkpoints.keys import CheckpointKeys
from facegauge_server.config import Address, Config
from facegauge_server.defects import Defects
from facegauge_server.engines import Engine, create_engine, engine_kind
from facegauge_server.engines.student import load_student
from facegauge_server.errors import BadConfiguration
from facegauge_server.events.event import Event
from facegauge_server.events.log import EventLog
from facegauge_server.metrics import Metrics
from facegauge_server.monitoring.chores import Chores
from facegauge_server.monitoring.endpoint import MonitoringEndpoint
from facegauge_server.monitoring.exposition import Exposition
from facegauge_server.monitoring.loop_lag import measure_loop_lag
from facegauge_server.monitoring.loop_watchdog import LoopWatchdog
from facegauge_server.monitoring.metrics_token import MetricsToken
from facegauge_server.monitoring.probe import Probe
from facegauge_server.monitoring.readiness import Readiness
from facegauge_server.monitoring.readiness_collector import ReadinessCollector
from facegauge_server.monitoring.session_collector import SessionCollector
from facegauge_server.pipeline import Pipeline
from facegauge_server.rpc.callers import Callers
from facegauge_server.rpc.health import HealthService
from facegauge_server.rpc.message_memory import MessageMemory
from facegauge_server.rpc.overview import Overview
from facegauge_server.rpc.receive_guard import ReceiveGuard
from facegauge_server.rpc.server import bind, create_grpc_server
from facegauge_server.rpc.service import QualityService
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.tls import Certificates
from facegauge_server.tracing.traces import NoTraces, Traces
from facegauge_server.webhook.collector import WebhookCollector
from facegauge_server.webhook.sender import WebhookSender
from facegauge_server.webhook.signature import WebhookSecrets
from facegauge_server.webhook.trust import WebhookTrust
from facegauge_server.workers.collector import WorkersCollector
from facegauge_server.workers.pool import FrameWorkers

__all__ = ["App", "OperatorFiles", "running"]

HOUSEKEEPING_INTERVAL_S = 0.25


@dataclass(frozen=True, slots=True)
class App:
    """A running server: where it listens and what it is made of."""

    listen: Address
    metrics_url: str
    model: str
    engine: str
    table: SessionTable
    metrics: Metrics
    workers: FrameWorkers
    files: OperatorFiles


class OperatorFiles:
    """Files that may change while the server runs: certificates, keys, tokens, secrets."""

    def __init__(self, config: Config) -> None:
        """Read them; raises BadConfiguration with what is wrong with one."""
        self.certificates = None if config.tls is None else Certificates(config.tls)
        self.keys = None if config.auth_keys is None else KeyFile(config.auth_keys)
        self.checkpoint_keys = CheckpointKeys(config.checkpoint_keys)
        token_file = config.metrics_token_file
        self.metrics_token = None if token_file is None else MetricsToken(token_file)
        secret_file = config.webhook_secret_file
        self.webhook_secrets = None if secret_file is None else WebhookSecrets(secret_file)
        self.webhook_trust = None if config.webhook_ca is None else WebhookTrust(config.webhook_ca)

    def reread(self) -> None:
        """Read those that have changed, at once."""
        webhook = (self.webhook_secrets, self.webhook_trust)
        for one in (self.certificates, self.keys, self.checkpoint_keys, self.metrics_token, *webhook):
            if one is not None:
                one.reread()

    def refresh(self, now_s: float) -> None:
        """Take note of changed certificates and keys of checkpoints."""
        self.checkpoint_keys.refresh(now_s)
        if self.certificates is not None:
            self.certificates.refresh(now_s)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[App]:
    """Serve while the block runs, then drain. Raises BadConfiguration or BadModel at startup."""
    student = load_student(config.model)
    calibration = None if config.calibration is None else load_calibration(config.calibration, student.sha256)
    model = ServedModel(student.name, student.sha256, calibration)
    files = OperatorFiles(config)
    metrics, readiness = Metrics(), Readiness()
    slots = WorkerSlots(config.workers, on_wait=partial(metrics.observe_stage, "worker_wait"))
    webhook = _webhook(config, files, metrics)
    traces = _traces(config, metrics)

    def on_event(event: Event) -> None:
        metrics.count_event(event.kind)
        if webhook is not None:
            webhook.offer(event)

    events = EventLog(config.event_log, on_event)
    table = SessionTable(
        config,
        metrics.observe_session,
        slots.wait,
        on_causes=lambda _, changes: metrics.count_causes(changes.seconds),
        report=events.add,
        issuer=CheckpointIssuer(files.checkpoint_keys, config.checkpoint_expiry_s),
        on_resume=metrics.count_resumption,
    )
    metrics.registry.register(SessionCollector(table, config.limits.max_exported_streams, model))
    metrics.registry.register(ReadinessCollector(readiness))
    metrics.registry.register(WebhookCollector(webhook))
    async with AsyncExitStack() as stack:
        engine: Engine | None = None  # on a CPU every worker process has its own
        if engine_kind(config.engine) == "torch":
            engine = create_engine("torch", student, threads=config.workers, precision=config.precision)
            stack.callback(engine.close)

        def note_scored() -> None:
            readiness.note_scored(time.monotonic())

        pipeline = await stack.enter_async_context(Pipeline(student, engine, config, metrics, note_scored))
        metrics.registry.register(WorkersCollector(pipeline.workers))
        metrics.set_model(student.name, pipeline.engine, pipeline.precision, student.sha256)
        probe = Probe(pipeline, slots, readiness)

        server = create_grpc_server(config)
        gatekeeper = Gatekeeper(files.keys, by_certificate=config.asks_for_certificates)
        limit_bytes = config.limits.max_frame_memory_bytes
        guard = ReceiveGuard(limit_bytes)
        callers = Callers(gatekeeper, guard, config.idle_timeout_s)
        memory = MessageMemory(limit_bytes)
        QualityService(table, pipeline, slots, config, metrics, model, callers, memory, traces).add_to(server)
        Overview(table, events, model, callers, Defects(metrics.count_error)).add_to(server)
        health = HealthService(readiness.is_ready)
        health.add_to(server)
        port = bind(server, config, files.certificates)

        endpoint = MonitoringEndpoint(Exposition(metrics.registry), readiness, files.metrics_token)
        metrics_tls = None
        if files.certificates is not None and not config.metrics_listen.is_loopback:
            metrics_tls = files.certificates.for_http()
        metrics_address = await endpoint.start(config.metrics_listen, metrics_tls)
        stack.push_async_callback(endpoint.close)

        watchdog = LoopWatchdog()
        watchdog.start()
        stack.callback(watchdog.stop)

        def on_lag(lag_s: float) -> None:
            watchdog.beat()
            metrics.observe_loop_lag(lag_s)

        chores = Chores(
            {
                **({} if webhook is None else {"webhook": webhook.run}),
                "housekeeping": partial(_housekeep, table, files),
                "loop lag": partial(measure_loop_lag, on_lag),
                "probe": probe.run,
                "receive guard": guard.run,
                "health": health.run,
            },
            on_failure=lambda _: metrics.count_error("chore"),
        )
        await probe.once()
        # Exempt what exists now from garbage collection, whose full collections stop every stream.
        gc.collect()
        gc.freeze()
        await server.start()
        chores.start()
        stack.push_async_callback(chores.stop)
        scheme = "http" if metrics_tls is None else "https"
        try:
            yield App(
                listen=Address(config.listen.host, port),
                metrics_url=f"{scheme}://{metrics_address}/metrics",
                model=student.name,
                engine=pipeline.engine,
                table=table,
                metrics=metrics,
                workers=pipeline.workers,
                files=files,
            )
        finally:
            readiness.drain()
            await health.drain()
            metrics.set_draining()
            drained_s = time.monotonic() + config.drain_grace_s
            table.drain(time.monotonic())
            closing = asyncio.create_task(_close_when_drained(table, events))
            await server.stop(config.drain_grace_s)
            closing.cancel()
            if webhook is not None:
                await webhook.finish(max(0.0, drained_s - time.monotonic()))
            await traces.close(max(0.0, drained_s - time.monotonic()))


def _webhook(config: Config, files: OperatorFiles, metrics: Metrics) -> WebhookSender | None:
    """Make the sender of events, where the operator has named a receiver."""
    if config.webhook is None or files.webhook_secrets is None:
        return None
    return WebhookSender(
        config.webhook,
        files.webhook_secrets,
        config.webhook_queue,
        metrics.count_webhook,
        metrics.count_webhook_retry,
        trust=files.webhook_trust,
    )


def _traces(config: Config, metrics: Metrics) -> Traces:
    """Make what tells of frames, where the operator has named a collector; raises BadConfiguration."""
    if config.tracing.endpoint is None:
        return NoTraces()
    try:
        from facegauge_server.tracing.otlp import OtlpTraces
    except ImportError as error:
        raise BadConfiguration(
            f"--otlp-endpoint needs OpenTelemetry ({error}): pip install 'facegauge-server[tracing]'"
        ) from error
    return OtlpTraces(config.tracing, metrics.count_spans)


async def _close_when_drained(table: SessionTable, events: EventLog) -> None:
    """Let the watchers of events go once there is nothing more to tell."""
    await table.drained.wait()
    events.close()


async def _housekeep(table: SessionTable, files: OperatorFiles) -> None:
    while True:
        await asyncio.sleep(HOUSEKEEPING_INTERVAL_S)
        now_s = time.monotonic()
        table.housekeep(now_s)
        files.refresh(now_s)
