"""Series of live streams name the tenant that owns them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from facegauge_server.access.identity import ANYONE, Identity, Right
from facegauge_server.calibration import ServedModel
from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.monitoring.session_collector import SessionCollector
from facegauge_server.streams.session_table import SessionTable

ACME, GLOBEX = (Identity(tenant, frozenset(Right)) for tenant in ("acme", "globex"))


@pytest.mark.parametrize(
    ("callers", "tenants"),
    [
        pytest.param([ACME, GLOBEX], {"acme", "globex"}, id="the same id twice, of two tenants"),
        pytest.param([ANYONE], {""}, id="callers are not identified"),
    ],
)
async def test_series_of_a_stream_carry_its_tenant(callers: list[Identity], tenants: set[str]) -> None:
    """Tenants choose stream ids on their own, so the tenant keeps their series apart."""
    table = SessionTable(Config())
    for caller in callers:
        table.open(StreamSettings(stream_id="camera-1", call_id="standup"), 0.0, caller)
    registry = CollectorRegistry()
    registry.register(SessionCollector(table, 10, ServedModel("tiny", "0")))
    seen: dict[tuple[object, ...], int] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            if "stream_id" in sample.labels:
                labels = (sample.name, *sorted(sample.labels.items()))
                seen[labels] = seen.get(labels, 0) + 1
                assert sample.labels["tenant"] in tenants
    assert seen
    assert set(seen.values()) == {1}, "Prometheus refuses a scrape with a series twice"
    for tenant in tenants:
        assert any(("tenant", tenant) in labels for labels in seen)


async def test_a_server_may_export_no_stream() -> None:
    """With --max-exported-streams 0 streams are counted, and none has series."""
    limits = Limits(max_exported_streams=0)
    table = SessionTable(Config(limits=limits))
    table.open(StreamSettings(stream_id="camera-1"), 0.0, ACME)
    registry = CollectorRegistry()
    registry.register(SessionCollector(table, limits.max_exported_streams, ServedModel("tiny", "0")))
    text = generate_latest(registry).decode()
    assert "stream_id" not in text
    assert "facegauge_streams_active 1.0" in text
    assert "facegauge_streams_unexported 1.0" in text
