"""Prometheus sees the readiness that /readyz answers."""

from __future__ import annotations

from facegauge_server.monitoring.readiness import Readiness
from facegauge_server.monitoring.readiness_collector import ReadinessCollector


def test_the_gauge_follows_the_readiness() -> None:
    """1 after a scored picture; 0 before the first, after a long silence, with a fault and while draining."""
    now_s = [0.0]
    readiness = Readiness(max_silence_s=10)
    collector = ReadinessCollector(readiness, clock=lambda: now_s[0])

    def exported() -> float:
        (family,) = collector.collect()
        assert family.name == "facegauge_ready"
        (sample,) = family.samples
        return float(sample.value)

    assert exported() == 0
    readiness.note_scored(0.0)
    assert exported() == 1
    now_s[0] = 11.0
    assert exported() == 0
    readiness.note_scored(11.0)
    readiness.set_fault("workers", "none is left")
    assert exported() == 0
    readiness.clear_fault("workers")
    assert exported() == 1
    readiness.drain()
    assert exported() == 0
