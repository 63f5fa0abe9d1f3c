"""RTP of real video goes through the real gateway to the real server, and answers come back."""

from __future__ import annotations

import dataclasses
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from facegauge_gateway.rtp.codec import Codec
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import DEADLINE_S, MediaServer
from tests.gateway.rtp_streams import CODECS, SSRC, STEP, by_ffmpeg, coded, serialise

Forwarder = Callable[[str], MediaServer]

PAYLOADS = [flag for kind, codec in CODECS.items() for flag in ("--payload", f"{kind}={codec.lower()}")]
RTP = ("rtp", "--listen", "127.0.0.1:0", *PAYLOADS)
GOODBYE = bytes((0x81, 203, 0, 1)) + SSRC.to_bytes(4)
SIZE = {"width": 640, "height": 480}
"""A face of 95 px and more."""


@pytest.mark.parametrize("codec", Codec)
def test_each_codec_is_scored(
    codec: Codec, server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """A drain finishes the stream: its summary is the last line, and nothing was lost on the way."""
    gateway = start_gateway(server.listen, *RTP, "--ssrc", f"{SSRC}=alice/standup")
    packets = by_ffmpeg(codec, coded(codec, count=12, **SIZE))
    forwarder(gateway.ready["rtp"][0]).forward(packets)
    scored = gateway.answer(event="assessment", result="scored")
    assert (scored["stream_id"], scored["call_id"]) == ("alice", "standup")
    assert 0 < scored["quality"] < 1
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == 12, "units")
    assert gateway.metric("rtp_packets_total", result="received") == len(packets)
    assert gateway.metric("rtp_packets_total", result="lost") == 0
    assert gateway.metric("frames_total", result="sent") == 12
    assert gateway.metric("rtp_feedback_total", kind="keyframe_request") == 0
    assert gateway.stop() == 0
    assert gateway.answer(event="summary")["frames_failed"] == 0


def test_a_goodbye_ends_the_stream(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """RTCP on the port of RTP (RFC 5761); the summary comes without waiting for silence."""
    gateway = start_gateway(server.listen, *RTP, "--idle-timeout", "3600")
    sender = forwarder(gateway.ready["rtp"][0])
    sender.forward(by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=6)))
    gateway.answer(event="assessment")
    sender.send(GOODBYE)
    assert gateway.answer(event="summary")["stream_id"] == str(SSRC)
    gateway.wait_for(lambda: gateway.metric("rtp_streams") == 0, "the stream is gone")
    assert gateway.metric("rtp_packets_total", result="received") > 0


def test_silence_ends_the_stream(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    gateway = start_gateway(server.listen, *RTP, "--idle-timeout", "0.3")
    forwarder(gateway.ready["rtp"][0]).forward(by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=6)))
    assert gateway.answer(event="summary")["stream_id"] == str(SSRC)


def test_a_loss_brings_a_request_for_a_keyframe(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """The broken unit is not sent, what depends on it is not decoded, and a keyframe heals the stream."""
    gateway = start_gateway(server.listen, *RTP)
    sender = forwarder(gateway.ready["rtp"][0])
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=12, keyframe_interval=8, **SIZE))
    stamps = list(dict.fromkeys(one.timestamp for one in packets))
    lost = next(one for one in packets if one.timestamp == stamps[3])
    sender.forward(one for one in packets if one.timestamp in stamps[:8] and one is not lost)
    sender.receive_pli(SSRC)
    sender.forward(one for one in packets if one.timestamp in stamps[8:])
    gateway.wait_for(lambda: gateway.metric("rtp_units_total", result="whole") == 11, "healed")
    assert gateway.metric("rtp_packets_total", result="lost") == 1
    assert gateway.metric("rtp_units_total", result="broken") == 1
    assert gateway.metric("rtp_feedback_total", kind="keyframe_request") >= 1
    assert gateway.stop() == 0
    summary = gateway.answer(event="summary")
    assert (summary["frames_not_decoded"], summary["frames_failed"]) == (4, 0)


def test_joining_within_a_group_asks_for_a_keyframe(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """As a gateway does that is started in the middle of a call."""
    gateway = start_gateway(server.listen, *RTP)
    sender = forwarder(gateway.ready["rtp"][0])
    packets = by_ffmpeg(Codec.H264, coded(Codec.H264, count=6))
    sender.forward(one for one in packets if one.timestamp != packets[0].timestamp)
    sender.receive_pli(SSRC)


def test_feedback_goes_where_the_peers_rtcp_comes_from(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """Janus's way: two empty packets from the socket that waits for RTCP, on a port of its own."""
    gateway = start_gateway(server.listen, "rtp", "--listen", "127.0.0.1:0/0", *PAYLOADS)
    rtp, _, rtcp_port = gateway.ready["rtp"][0].partition("/")
    janus_rtcp = forwarder(f"127.0.0.1:{rtcp_port}")
    for _ in range(2):
        janus_rtcp.send(b"\x80" + bytes(11))
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=6))
    forwarder(rtp).forward(one for one in packets if one.timestamp != packets[0].timestamp)
    janus_rtcp.receive_pli(SSRC)


def test_forwards_of_one_moment_find_their_own_feedback(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """Two of Janus on one port, whose order misleads: what is lost of one is asked for at its own socket."""
    gateway = start_gateway(server.listen, *RTP, "--pli-interval", "0.05")
    address = gateway.ready["rtp"][0]
    janus = {ssrc: forwarder(address) for ssrc in (1, 2)}
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=6))
    lost = next(one for one in packets if one.timestamp == packets[-1].timestamp - STEP)
    for feedback in janus.values():
        feedback.send(b"\x80" + bytes(11))
    for ssrc in (2, 1):
        sender = forwarder(address)
        for one in packets:
            if ssrc == 1 or one is not lost:
                sender.send(serialise(dataclasses.replace(one, ssrc=ssrc)))
    janus[2].receive_pli(2)
    gateway.wait_for(
        lambda: gateway.metric("stream_keyframe_requests_unanswered", ssrc="2") >= 2, "requests in vain"
    )
    assert gateway.metric("stream_keyframe_requests_unanswered", ssrc="1") == 0


def test_several_streams_share_a_port(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """Told apart by SSRC; a broken stream costs the other nothing."""
    gateway = start_gateway(server.listen, *RTP, "--ssrc", "1=alice/standup", "--ssrc", "2=bob/standup")
    sender = forwarder(gateway.ready["rtp"][0])
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=8))
    for number, one in enumerate(packets):
        sender.send(serialise(dataclasses.replace(one, ssrc=1)))
        if number % 3:
            sender.send(serialise(dataclasses.replace(one, ssrc=2)))
    gateway.answer(event="assessment", stream_id="alice")
    gateway.wait_for(
        lambda: gateway.metric("stream_packets_total", stream_id="alice", result="received") == len(packets),
        "all packets of alice",
    )
    assert gateway.stop() == 0
    assert gateway.answer(event="summary", stream_id="alice")["frames_failed"] == 0


def test_answers_are_events_for_a_browser(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """`/answers?stream_id=` is a stream of server-sent events, of one stream alone."""
    gateway = start_gateway(server.listen, *RTP, "--ssrc", f"{SSRC}=alice")
    url = f"{gateway.http}/answers?stream_id=alice"
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as events:  # noqa: S310 - our own gateway
        assert events.headers["Content-Type"] == "text/event-stream"
        assert events.readline().startswith(b":")
        forwarder(gateway.ready["rtp"][0]).forward(by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=3)))
        lines = iter(events.readline, b"")
        assert next(line for line in lines if not line.isspace()) == b"event: assessment\n"
        assert json.loads(next(lines).removeprefix(b"data: "))["stream_id"] == "alice"


def test_an_sdp_names_the_payload_types(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Forwarder, tmp_path: Path
) -> None:
    sdp = tmp_path / "call.sdp"
    kind = next(number for number, codec in CODECS.items() if codec is Codec.VP8)
    sdp.write_text(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=video 5004 RTP/AVP {kind}\r\na=rtpmap:{kind} VP8/90000\r\n"
    )
    gateway = start_gateway(server.listen, "rtp", "--listen", "127.0.0.1:0", "--sdp", str(sdp))
    forwarder(gateway.ready["rtp"][0]).forward(by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=3)))
    gateway.answer(event="assessment")
