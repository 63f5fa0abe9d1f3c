"""Whatever comes to an RTP port: a counter and an explanation each, and other streams lose nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from facegauge_gateway.rtp.codec import Codec
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import GatewayProcess, MediaServer
from tests.gateway.rtp_streams import SSRC, by_ffmpeg, coded, serialise

Forwarder = Callable[[str], MediaServer]

UNITS = 10
PACKETS = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=UNITS))
KIND = PACKETS[0].payload_type
FLAGS = ("rtp", "--listen", "127.0.0.1:0", "--payload", f"{KIND}=vp8")
NAMED = (*FLAGS, "--ssrc", f"{SSRC}=alice")


def stray(**changes: Any) -> bytes:
    return serialise(dataclasses.replace(PACKETS[0], **changes))


STRAYS = {
    "unknown_ssrc": (stray(ssrc=99), "--ssrc 99="),
    "unknown_payload_type": (stray(ssrc=99, payload_type=111), "--payload 111="),
    "short": (b"\x80\x60", "no RTP packet"),
    "version": (b"GET / HTTP/1.1\r\n\r\n", "RTP version 1"),
    "padding": (b"\xa0\x60" + bytes(9) + b"\x01\xff\xff", "padding"),
    "extension": (b"\x90\x60" + bytes(9) + b"\x01", "extension"),
    "rtcp": (b"\x80\xc8\x00\x06", "no RTCP"),
}


def refused(gateway: GatewayProcess, reason: str) -> float:
    return gateway.metric("rtp_refused_total", reason=reason)


def test_strays_are_refused_and_the_stream_beside_them_is_whole(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """Each with its reason, and words that say what to do; they come between the stream's own packets."""
    gateway = start_gateway(server.listen, *NAMED)
    sender = forwarder(gateway.ready["rtp"][0])
    for packet in PACKETS:
        for data, _ in STRAYS.values():
            sender.send(data)
        sender.send(serialise(packet))
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == UNITS, "all units")
    assert gateway.metric("rtp_packets_total", result="lost") == 0
    for reason, (_, words) in STRAYS.items():
        assert refused(gateway, reason) == len(PACKETS), reason
        assert words in gateway.log, reason
    assert gateway.log.count("unknown_ssrc") == 1, "a flood of strays fills no log"


def test_replayed_packets_change_nothing(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """The first half of the call again, in the middle of it: neither units nor losses more than without."""
    gateway = start_gateway(server.listen, *NAMED)
    sender = forwarder(gateway.ready["rtp"][0])
    half = len(PACKETS) // 2
    sender.forward([*PACKETS[:half], *PACKETS[:half], *PACKETS[half:]])
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == UNITS, "all units")
    useless = sum(
        gateway.metric("rtp_packets_total", result=result) for result in ("duplicate", "late", "misplaced")
    )
    assert (useless, gateway.metric("rtp_packets_total", result="lost")) == (half, 0)


def test_another_address_does_not_get_into_a_stream(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """The same SSRC from elsewhere is refused while the stream's own sender is there."""
    gateway = start_gateway(server.listen, *NAMED)
    sender, intruder = (forwarder(gateway.ready["rtp"][0]) for _ in range(2))
    sender.forward(PACKETS[:2])
    gateway.wait_for(lambda: gateway.metric("rtp_packets_total", result="received") == 2, "packets")
    for packet in PACKETS[2:]:
        sender.send(serialise(packet))
        intruder.send(serialise(dataclasses.replace(packet, payload=b"\x10\x00\x00\x00")))
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == UNITS, "all units")
    gateway.wait_for(lambda: refused(gateway, "other_source") == len(PACKETS) - 2, "refusals")


def test_streams_are_limited_and_a_stray_datagram_holds_no_place(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """A hundred random sources leave room for a real one; a second real one is one too many."""
    gateway = start_gateway(server.listen, *FLAGS, "--max-streams", "1")
    sender = forwarder(gateway.ready["rtp"][0])
    for ssrc in range(100):
        sender.send(stray(ssrc=ssrc + 1))
    sender.forward(PACKETS)
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == UNITS, "all units")
    assert refused(gateway, "stream_limit") == 0
    sender.send(stray(ssrc=99))
    gateway.wait_for(lambda: refused(gateway, "stream_limit") == 1, "the refusal")
    assert "--max-streams" in gateway.log
    assert "source ended" not in gateway.log, "a flood of strays fills no log"


def test_a_flood_on_one_stream_is_cut(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """What is over --max-stream-mbps is dropped; the stream beside it is whole."""
    gateway = start_gateway(server.listen, *FLAGS, "--max-stream-mbps", "1")
    sender = forwarder(gateway.ready["rtp"][0])
    heavy = dataclasses.replace(PACKETS[0], ssrc=7, payload=bytes(50_000))
    for number in range(4):
        sender.send(serialise(dataclasses.replace(heavy, sequence=number)))
    sender.forward(PACKETS)
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == UNITS, "all units")
    assert refused(gateway, "bitrate") >= 1
    assert "--max-stream-mbps" in gateway.log


def test_only_allowed_networks_are_heard(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    gateway = start_gateway(server.listen, *FLAGS, "--allow-from", "10.0.0.0/8")
    forwarder(gateway.ready["rtp"][0]).forward(PACKETS[:1])
    gateway.wait_for(lambda: refused(gateway, "source") == 1, "the refusal")
    assert "--allow-from" in gateway.log
    assert gateway.metric("rtp_streams") == 0


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", bytes(40), bytes(range(256)) * 4], ids=["empty", "short", "zeros", "mixed"]
)
def test_payloads_of_no_codec_cost_their_stream_alone(
    payload: bytes, server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    gateway = start_gateway(server.listen, *FLAGS)
    sender = forwarder(gateway.ready["rtp"][0])
    for packet in PACKETS:
        sender.send(serialise(dataclasses.replace(packet, ssrc=7, payload=payload)))
        sender.send(serialise(packet))
    gateway.answer(event="assessment", stream_id=str(SSRC), result="scored")
    gateway.wait_for(
        lambda: gateway.metric("stream_packets_total", ssrc=str(SSRC), result="received") == len(PACKETS),
        "all packets",
    )
    assert gateway.metric("stream_packets_total", ssrc=str(SSRC), result="lost") == 0


def test_what_is_wrong_with_a_source_is_said(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """Once, with its stream and in words; and what the source came to as it ends."""
    gateway = start_gateway(server.listen, *NAMED)
    sender = forwarder(gateway.ready["rtp"][0])
    sender.forward(dataclasses.replace(packet, payload=b"\xff") for packet in PACKETS)
    gateway.wait_for(lambda: "pictures cannot be put together" in gateway.log, "the explanation")
    assert gateway.stop() == 0
    lines = [json.loads(line) for line in gateway.log.splitlines()]
    (told,) = (line for line in lines if line["event"] == "pictures cannot be put together")
    assert (told["stream_id"], told["ssrc"]) == ("alice", SSRC)
    assert "VP8" in told["newest"]
    (ended,) = (line for line in lines if line["event"] == "source ended")
    assert (ended["why"], ended["packets"], ended["units"]) == ("drained", len(PACKETS), 0)
