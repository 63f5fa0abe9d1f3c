"""What the dashboards, rules and texts ask for, and what the server and the gateway export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from facegauge_client import Client
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.metrics import Metrics as GatewayMetrics
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp_door import Listen, RtpDoor, RtpSettings
from facegauge_gateway.rtp_door.names import Names
from facegauge_server.calibration import Calibration, ServedModel
from facegauge_server.config import Config
from facegauge_server.engines.student import load_student
from facegauge_server.metrics import Metrics
from facegauge_server.monitoring.readiness import Readiness
from facegauge_server.monitoring.readiness_collector import ReadinessCollector
from facegauge_server.monitoring.session_collector import SessionCollector
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.webhook.collector import WebhookCollector
from facegauge_server.workers.collector import WorkersCollector
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "dashboards" / "rules").glob("*.yaml"))
RULE_TESTS = sorted((ROOT / "dashboards" / "rules" / "tests").glob("*.yaml"))
BOARDS = sorted((ROOT / "dashboards" / "grafana").glob("*.json"))
RUNBOOK = ROOT / "dashboards" / "runbook.md"
README = ROOT / "README.md"

METRIC = re.compile(r"\b(?:[a-z_]+:)?(?:facegauge|process)_[a-z_]+(?::[a-z0-9_]+)?\b")


def read_rules() -> list[dict[str, Any]]:
    """All rules of all files."""
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def read_alerts() -> list[dict[str, Any]]:
    return [rule for rule in read_rules() if "alert" in rule]


def read_board(path: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(path.read_text())
    return board


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels that show something: rows are headings."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


CALIBRATED = ServedModel("tiny", "0", Calibration((0.0, 1.0), (1.0, 5.0), 0.5, 0.0, 1.0))


@pytest.fixture(scope="session")
def exported() -> dict[str, set[str]]:
    """The server's metrics as Prometheus knows them, each with the names of its series."""
    metrics = Metrics()
    config = Config()
    metrics.registry.register(SessionCollector(SessionTable(config), 1, CALIBRATED))
    metrics.registry.register(ReadinessCollector(Readiness()))
    metrics.registry.register(WebhookCollector(None))
    settings = WorkSettings(load_student("default"), config.limits, scores=True, precision="f32")
    metrics.registry.register(WorkersCollector(FrameWorkers(1, settings, config.frame_timeout_s)))
    return names_of(metrics.registry)


@pytest.fixture(scope="session")
def exported_by_gateway() -> dict[str, set[str]]:
    """Likewise those of a gateway with its RTP door: the WHIP door's own are on no dashboard."""
    metrics = GatewayMetrics()
    settings = RtpSettings(
        listen=(Listen(Address("127.0.0.1", 0)),),
        codecs={96: Codec.VP8},
        names=Names(),
        stream=StreamSettings(stream_id=""),
    )
    RtpDoor(settings, Client(), AnswerHub(metrics), metrics)
    return names_of(metrics.registry)


def names_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    """A registry's metrics, each with the names of its series."""
    suffixes = {"counter": ("_total", "_created"), "histogram": ("_bucket", "_count", "_sum", "_created")}
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: {
            family.name + suffix for suffix in suffixes.get(family.type, ("",))
        }
        for family in registry.collect()
    }
