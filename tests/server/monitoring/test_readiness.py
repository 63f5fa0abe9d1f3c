"""Ready means that pictures go through, not that a process runs."""

from __future__ import annotations

from facegauge_server.monitoring.readiness import Readiness


def test_readiness_needs_a_recent_picture() -> None:
    """Silence counts against it, whatever the reason."""
    readiness = Readiness(max_silence_s=10)
    assert readiness.reasons_against(0) == ["no picture has gone through the pipeline yet"]
    readiness.note_scored(5)
    assert readiness.reasons_against(15) == []
    assert readiness.reasons_against(16) == ["no picture has gone through the pipeline for 11 s"]


def test_faults_count_until_they_are_cleared() -> None:
    """Each by its name."""
    readiness = Readiness()
    readiness.note_scored(0)
    readiness.set_fault("workers", "one is left")
    readiness.set_fault("workers", "none is left")
    assert readiness.reasons_against(0) == ["workers: none is left"]
    readiness.clear_fault("workers")
    readiness.clear_fault("another")
    assert readiness.reasons_against(0) == []
    readiness.drain()
    assert readiness.reasons_against(0) == ["draining"]
