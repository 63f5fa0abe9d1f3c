"""What the kernel drops of a port, because the gateway did not read in time, is counted."""

from __future__ import annotations

import asyncio
import socket

import pytest
import structlog

from facegauge_client import Client
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.log import configure_log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp_door import Listen, RtpDoor, RtpSettings, door
from facegauge_gateway.rtp_door.names import Names
from facegauge_gateway.rtp_door.udp_port import UdpPort
from tests.gateway.rtp_streams import CODECS

BURST = 500
STRAY = b"?"


def shrink_buffer(port: UdpPort) -> None:
    """Let the kernel keep as little as it can: a few datagrams."""
    port._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)


def send_burst(address: tuple[str, int]) -> None:
    """Send while nobody reads: the event loop does not run meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(BURST):
            sender.sendto(STRAY, address)


async def test_every_datagram_of_a_burst_is_read_or_counted_as_dropped() -> None:
    """The kernel's count of one socket is exact, and a port beside it has dropped nothing."""
    read = 0

    def take(_data: bytes, _source: tuple[str, int], _now_s: float) -> None:
        nonlocal read
        read += 1

    busy, idle = (UdpPort(Address("127.0.0.1", 0), take) for _ in range(2))
    try:
        assert busy.dropped_by_kernel() == 0
        shrink_buffer(busy)
        send_burst((busy.address.host, busy.address.port))
        dropped = busy.dropped_by_kernel()
        assert 0 < dropped < BURST
        while read + dropped < BURST:
            await asyncio.sleep(0)
        assert (read + busy.dropped_by_kernel(), idle.dropped_by_kernel()) == (BURST, 0)
    finally:
        busy.close()
        idle.close()


def door_settings(*listen: Listen) -> RtpSettings:
    return RtpSettings(listen=listen, codecs=CODECS, names=Names(), stream=StreamSettings(stream_id=""))


async def test_operators_see_the_drops_of_all_ports_also_after_they_are_closed(
    hub: AnswerHub, metrics: Metrics
) -> None:
    """A counter that fell as a gateway drains would look like a restart."""
    free = Address("127.0.0.1", 0)
    settings = door_settings(Listen(free), Listen(free, free))

    def value(name: str, **labels: str) -> float:
        return metrics.registry.get_sample_value(f"facegauge_gateway_rtp_{name}_total", labels) or 0.0

    door = RtpDoor(settings, Client(), hub, metrics)
    await door.open()
    for port in door._sockets:
        shrink_buffer(port)
        send_burst((port.address.host, port.address.port))
    dropped = value("kernel_dropped")
    assert dropped == sum(port.dropped_by_kernel() for port in door._sockets) > 0
    while value("refused", reason="short") + dropped < BURST * len(door._sockets):
        await asyncio.sleep(0)
    await door.drain()
    assert not door._sockets
    assert value("kernel_dropped") == dropped


async def test_operators_learn_of_a_buffer_that_is_too_small(
    hub: AnswerHub,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    """Before the first packet is dropped: no kernel grants what is asked for here."""
    settings = door_settings(Listen(Address("127.0.0.1", 0)))
    request.addfinalizer(structlog.reset_defaults)
    configure_log("json")
    monkeypatch.setattr(door, "RECEIVE_BUFFER_BYTES", 2**40)
    opened = RtpDoor(settings, Client(), hub, metrics)
    await opened.open()
    await opened.drain()
    assert "set net.core.rmem_max to" in capsys.readouterr().err
