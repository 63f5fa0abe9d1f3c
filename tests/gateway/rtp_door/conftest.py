"""A port of the RTP door by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facegauge_client import Client
from facegauge_gateway.address import Address, AllowedSources
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp_door import Listen, RtpSettings
from facegauge_gateway.rtp_door.names import Names
from facegauge_gateway.rtp_door.port_streams import PortStreams
from facegauge_gateway.rtp_door.stream_table import StreamTable
from facegauge_gateway.sources import Refusals
from tests.gateway.rtp_streams import CODECS

__all__ = ["IDLE_TIMEOUT_S", "MakePort", "make_port"]

IDLE_TIMEOUT_S = 10.0
MakePort = Callable[[Names], PortStreams]


@pytest.fixture
def make_port(hub: AnswerHub, metrics: Metrics) -> MakePort:
    """Makes a port without its socket; its streams never get as far as the server."""

    def make(names: Names) -> PortStreams:
        settings = RtpSettings(
            listen=(Listen(Address("127.0.0.1", 0)),),
            codecs=CODECS,
            names=names,
            stream=StreamSettings(stream_id=""),
            idle_timeout_s=IDLE_TIMEOUT_S,
        )
        refusals = Refusals(metrics.registry, Log())
        table = StreamTable(settings, Client(), hub, metrics, refusals)
        return PortStreams(table, settings, AllowedSources(()), refusals)

    return make
