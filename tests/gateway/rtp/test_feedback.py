"""RTCP: what is sent, when, and what is read."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.keyframe_requests import KeyframeRequests
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp.rtcp import Goodbye, SenderReport, read_rtcp
from tests.gateway.rtp_streams import CODECS, INTERVAL_S, SSRC, STEP, feed, packet

KEY = b"\x10\x00\x00\x00"


def joined() -> StreamReceiver:
    """A receiver that has had ten pictures, the first a keyframe."""
    receiver = StreamReceiver(CODECS)
    feed(receiver, [packet(0, payload=KEY), *(packet(n, n * STEP) for n in range(1, 10))])
    return receiver


def report_of(data: bytes | None) -> RtcpReceiverInfo:
    """The one report block of a compound, as aiortc reads it."""
    assert data is not None
    first, *_ = RtcpPacket.parse(data)
    assert isinstance(first, RtcpRrPacket)
    (block,) = first.reports
    return block


def has_pli(data: bytes | None) -> bool:
    """Whether a compound asks for a keyframe."""
    return data is not None and any(isinstance(one, RtcpPsfbPacket) for one in RtcpPacket.parse(data))


def test_a_compound_is_a_report_a_name_and_the_request() -> None:
    """The order of RFC 3550, 6.1, each about this source and by another one."""
    receiver = joined()
    receiver.need_keyframe()
    data = receiver.feedback(1.0)
    assert data is not None
    report, description, request = RtcpPacket.parse(data)
    assert isinstance(report, RtcpRrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert isinstance(request, RtcpPsfbPacket)
    assert (request.fmt, request.media_ssrc, request.ssrc) == (1, SSRC, report.ssrc)
    assert description.chunks == [RtcpSourceInfo(report.ssrc, [(1, b"facegauge-gateway")])]
    assert report.ssrc != SSRC
    assert report.reports[0].ssrc == SSRC


def test_a_report_counts_losses() -> None:
    """Lost of all, fraction since the last report, highest sequence number and cycles (RFC 3550, A.3)."""
    receiver = StreamReceiver(CODECS)
    kept = [n for n in range(65_436, 65_636) if n % 4]
    feed(receiver, [packet(n, n * STEP) for n in kept])
    block = report_of(receiver.feedback(100.0))
    assert (block.packets_lost, block.fraction_lost) == (49, 49 * 256 // 199)
    assert block.highest_sequence == 65_635
    feed(receiver, [packet(n, n * STEP) for n in range(65_636, 65_646)], start_s=100.0)
    assert (report_of(receiver.feedback(102.0)).fraction_lost) == 0


def test_more_packets_than_expected_are_a_negative_loss() -> None:
    """Duplicates count as received (RFC 3550, 6.4.1)."""
    receiver = joined()
    feed(receiver, [packet(n, n * STEP) for n in range(5, 10)], start_s=1.0)
    block = report_of(receiver.feedback(3.0))
    assert (block.packets_lost, block.fraction_lost) == (-5, 0)


def test_jitter_is_that_of_the_network() -> None:
    """Even arrivals have none; one that changes by 10 ms from picture to picture has nearly that."""
    even, uneven = StreamReceiver(CODECS), StreamReceiver(CODECS)
    for n in range(300):
        even.receive(packet(n, n * STEP), n * INTERVAL_S)
        uneven.receive(packet(n, n * STEP), n * INTERVAL_S + 0.01 * (n % 2))
    assert even.statistics.jitter_s == pytest.approx(0, abs=1e-4)
    assert uneven.statistics.jitter_s == pytest.approx(0.01, rel=0.01)
    assert report_of(uneven.feedback(20.0)).jitter == pytest.approx(900, rel=0.01)


def test_packets_of_one_picture_are_no_jitter() -> None:
    """A sender that spreads a picture over 10 ms does so by itself."""
    receiver = StreamReceiver(CODECS)
    for n in range(300):
        arrived_s = n // 3 * INTERVAL_S + n % 3 * 0.005
        receiver.receive(packet(n, n // 3 * STEP, marker=n % 3 == 2), arrived_s)
    assert receiver.statistics.jitter_s == pytest.approx(0, abs=1e-4)


def test_a_sender_can_tell_its_round_trip_time() -> None:
    """LSR is the middle of the report's NTP time, DLSR the time since (RFC 3550, 6.4.1)."""
    receiver = joined()
    sent = RtcpSrPacket(SSRC, RtcpSenderInfo(0x1234_5678_9ABC_DEF0, 0, 1, 1))
    receiver.sender_report(bytes(sent), 2.0)
    block = report_of(receiver.feedback(2.5))
    assert (block.lsr, block.dlsr) == (0x5678_9ABC, 32_768)


def test_reports_come_every_second() -> None:
    """Not before the source is one, and not more often."""
    receiver = StreamReceiver(CODECS)
    sent = 0
    for n in range(300):
        receiver.receive(packet(n, n * STEP, payload=KEY), n * INTERVAL_S)
        sent += receiver.feedback(n * INTERVAL_S) is not None
    assert sent == receiver.statistics.reports == 9
    assert receiver.statistics.plis == 0


def test_a_join_amid_pictures_asks_for_a_keyframe() -> None:
    """The first units cannot be decoded, which is told; the request goes out with the first of them."""
    receiver = StreamReceiver(CODECS)
    receiver.receive(packet(100, 0), 0.0)
    (first, second) = receiver.receive(packet(101, STEP), INTERVAL_S)
    assert (first.discontinuity, second.discontinuity) == (True, True)
    assert has_pli(receiver.feedback(INTERVAL_S))


def test_a_join_at_a_keyframe_asks_for_none() -> None:
    """What can be decoded from the start on needs nothing."""
    assert not has_pli(joined().feedback(5.0))


def test_a_keyframe_ends_the_requests() -> None:
    """Whoever needed one has it now."""
    receiver = joined()
    receiver.need_keyframe()
    assert has_pli(receiver.feedback(1.0))
    assert has_pli(receiver.feedback(2.0))
    feed(receiver, [packet(10, 10 * STEP, payload=KEY)], start_s=2.5)
    assert not has_pli(receiver.feedback(100.0))


def test_requests_are_limited_however_much_is_lost() -> None:
    """A stream of which every keyframe breaks gets one request a second at most, and fewer unanswered."""
    receiver = StreamReceiver(CODECS, pli_interval_s=1.0)
    requests_s = []
    for n in range(30 * 60):
        now_s = n * INTERVAL_S
        if n % 7:
            receiver.receive(packet(n, n * STEP), now_s)
        if has_pli(receiver.feedback(now_s)):
            requests_s.append(now_s)
    waits_s = [after - before for before, after in itertools.pairwise(requests_s)]
    assert waits_s[:3] == pytest.approx([1, 2, 4], abs=0.05)
    assert waits_s[3:] == pytest.approx([8] * 6, abs=0.05)


class TestKeyframeRequests:
    """The pace by itself."""

    def test_a_keyframe_ends_the_repeats_and_not_the_limit(self) -> None:
        """After one has come the next need waits out the interval, and the waits begin small again."""
        requests = KeyframeRequests(1.0)
        requests.need()
        assert requests.take_due(0.0)
        assert requests.take_due(1.0)
        requests.satisfy()
        assert requests.next_due_s is None
        requests.need()
        assert not requests.take_due(1.9)
        assert requests.take_due(2.0)
        assert requests.take_due(3.0)
        assert not requests.take_due(4.9)
        assert requests.take_due(5.0)

    def test_no_need_no_request(self) -> None:
        """Nothing is asked for without a need."""
        assert not KeyframeRequests(1.0).take_due(1e9)


def test_a_goodbye_ends_the_stream() -> None:
    """Until packets come again; another source's goodbye changes nothing."""
    receiver = joined()
    receiver.sender_report(bytes(RtcpByePacket([1, 2])), 1.0)
    waits_s = [receiver.next_poll_s]
    receiver.sender_report(bytes(RtcpRrPacket(5)) + bytes(RtcpByePacket([SSRC])), 1.0)
    waits_s.append(receiver.next_poll_s)
    assert receiver.has_ended
    assert receiver.feedback(9.0) is None
    receiver.receive(packet(10, 10 * STEP), 10.0)
    waits_s.append(receiver.next_poll_s)
    assert waits_s == [pytest.approx(1.0, abs=0.1), None, pytest.approx(1.0, abs=0.1)]


def test_compounds_are_read_past_what_is_not_known() -> None:
    """Profile extensions of a report, descriptions and feedback are passed over."""
    report = RtcpSrPacket(SSRC, RtcpSenderInfo(7, 8, 9, 10))
    data = bytes(report)
    extended = data[:3] + bytes([data[3] + 1]) + data[4:] + b"more"
    description = bytes(RtcpSdesPacket([RtcpSourceInfo(SSRC, [(1, b"me")])]))
    unknown = b"\x80\xd0\x00\x00"
    compound = extended + description + unknown + bytes(RtcpByePacket([1, 2]))
    assert read_rtcp(compound) == [SenderReport(SSRC, 7, 8), Goodbye(1), Goodbye(2)]


@pytest.mark.parametrize(
    ("data", "why"), [(b"\x80\xc8", "within a header"), (b"\x80\xc8\x00\x06", "ends at 28 of 4")]
)
def test_bad_compounds_are_named(data: bytes, why: str) -> None:
    """What is no RTCP is refused in words."""
    with pytest.raises(BadPacket, match=why):
        read_rtcp(data)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_rtcp_or_bad(data: bytes) -> None:
    """No bytes bring another exception."""
    with contextlib.suppress(BadPacket):
        read_rtcp(data)
        read_rtcp(b"\x81\xc8" + data)
        read_rtcp(b"\x9f\xcb\x00\x01" + data)
