"""Who may take the place of a source: nobody beside it, anybody after its silence."""

from __future__ import annotations

import dataclasses

from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp_door.names import Names
from facegauge_gateway.rtp_door.stream_table import SILENCE_S
from tests.gateway.rtp_streams import packet, serialise

from .conftest import IDLE_TIMEOUT_S, MakePort

FIRST, SECOND = ("127.0.0.1", 4000), ("127.0.0.1", 4001)


def received(metrics: Metrics) -> float | None:
    name = "facegauge_gateway_rtp_packets_total"
    return metrics.registry.get_sample_value(name, {"result": "received"})


def refused(metrics: Metrics, reason: str) -> float | None:
    return metrics.registry.get_sample_value("facegauge_gateway_rtp_refused_total", {"reason": reason})


async def test_an_address_that_moved_is_followed_after_silence(make_port: MakePort, metrics: Metrics) -> None:
    """A media server that was restarted, with the same SSRC."""
    port = make_port(Names())
    port.take(serialise(packet(1)), FIRST, 0.0)
    port.take(serialise(packet(2)), SECOND, SILENCE_S / 2)
    assert (received(metrics), refused(metrics, "other_source")) == (1, 1)
    port.take(serialise(packet(3)), SECOND, SILENCE_S)
    assert (received(metrics), refused(metrics, "other_source")) == (2, 1)
    port.drop_all()


async def test_another_source_takes_the_name_after_silence(make_port: MakePort, metrics: Metrics) -> None:
    """A publisher that joined again, on a port whose number is the stream's name."""
    port = make_port(Names(stream_id="{port}"))
    port.take(serialise(packet(1)), FIRST, 0.0)
    other = dataclasses.replace(packet(1), ssrc=2)
    port.take(serialise(other), FIRST, SILENCE_S / 2)
    assert (received(metrics), refused(metrics, "stream_id_taken")) == (1, 1)
    port.take(serialise(other), FIRST, SILENCE_S)
    assert (received(metrics), refused(metrics, "stream_id_taken")) == (2, 1)
    port.drop_all()


async def test_a_silent_stream_ends(make_port: MakePort) -> None:
    """At the first look after --idle-timeout, counted from its last packet."""
    port = make_port(Names())
    port.take(serialise(packet(1)), FIRST, 0.0)
    port.take(serialise(packet(2)), FIRST, 5.0)
    port.poll(5.0 + IDLE_TIMEOUT_S)
    assert len(port.sources) == 1
    port.poll(5.1 + IDLE_TIMEOUT_S)
    assert len(port.sources) == 0
