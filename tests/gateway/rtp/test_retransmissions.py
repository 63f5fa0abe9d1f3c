"""What is missing is asked for again, and waited for as long as the path's round trip makes it worth."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpRtpfbPacket

from facegauge_gateway.rtp.receiver import StreamReceiver
from tests.gateway.rtp_streams import CODECS, SSRC, STEP, packet

KEY = b"\x10\x00\x00\x00"
REORDER_S, MAX_REPAIR_S = 0.1, 0.5
OWN_SSRC = 0xBEEF


def repairing(first: int = 0) -> StreamReceiver:
    """A receiver that has had a keyframe and a picture at 0 s."""
    receiver = StreamReceiver(CODECS, reorder_s=REORDER_S, max_repair_s=MAX_REPAIR_S, own_ssrc=OWN_SSRC)
    receiver.receive(packet(first, payload=KEY), 0.0)
    receiver.receive(packet(first + 1, STEP), 0.0)
    assert nack(receiver, 0.0) == []
    return receiver


def nack(receiver: StreamReceiver, now_s: float) -> list[int]:
    """The packets that are asked for now."""
    data = receiver.feedback(now_s)
    if data is None:
        return []
    report, _, *requests = RtcpPacket.parse(data)
    assert isinstance(report, RtcpRrPacket)
    lost: list[int] = []
    for one in requests:
        assert isinstance(one, RtcpRtpfbPacket)
        assert (one.ssrc, one.media_ssrc) == (OWN_SSRC, SSRC)
        lost += one.lost
    return lost


def test_what_is_missing_is_asked_for_at_once_and_again_after_a_round_trip() -> None:
    """In between nothing is, and nothing once it is there."""
    receiver = repairing()
    receiver.receive(packet(5, 5 * STEP), 1.0)
    assert nack(receiver, 1.0) == [2, 3, 4]
    assert nack(receiver, 1.01) == []
    again_s = receiver.next_poll_s
    assert again_s is not None
    receiver.receive(packet(3, 3 * STEP), again_s, is_retransmission=True)
    assert nack(receiver, again_s) == [2, 4]
    assert receiver.statistics.nacks == 2


def test_numbers_wrap_around() -> None:
    receiver = repairing(first=65_532)
    receiver.receive(packet(65_536 + 2, 6 * STEP), 1.0)
    assert nack(receiver, 1.0) == [65_534, 65_535, 0, 1]


def test_a_retransmission_fills_its_gap() -> None:
    """Pictures come in their order and whole, no keyframe is needed, and reports tell what the path lost."""
    receiver = repairing()
    assert receiver.receive(packet(3, 3 * STEP), 1.0) == []
    units = receiver.receive(packet(2, 2 * STEP), 1.05, is_retransmission=True)
    assert [unit.timestamp for unit in units] == [2 * STEP, 3 * STEP]
    assert not any(unit.discontinuity for unit in units)
    data = receiver.feedback(10.0)
    assert data is not None
    report, *rest = RtcpPacket.parse(data)
    assert isinstance(report, RtcpRrPacket)
    assert len(rest) == 1, "a name, and no request"
    assert report.reports[0].packets_lost == 1
    assert (receiver.statistics.retransmitted, receiver.statistics.lost) == (1, 0)


@pytest.mark.parametrize(("round_trip_s", "wait_s"), [(0.01, 0.1), (0.1, 0.35), (0.2, 0.5), (0.6, 0.5)])
def test_the_wait_follows_the_round_trip(round_trip_s: float, wait_s: float) -> None:
    """Between the wait for reordering and the longest: also where the retransmission came too late."""
    receiver = repairing()
    receiver.receive(packet(3, 3 * STEP), 1.0)
    receiver.feedback(1.0)
    receiver.receive(packet(2, 2 * STEP), 1.0 + round_trip_s, is_retransmission=True)
    receiver.poll(3.0)
    receiver.receive(packet(5, 5 * STEP), 4.0)
    assert receiver.poll(4.0 + wait_s - 0.001) == []
    assert receiver.poll(4.0 + wait_s + 0.001)


def test_a_lost_retransmission_does_not_lengthen_the_round_trip() -> None:
    """The second request brings it, twice as late: the shortest of the times is believed."""
    receiver = repairing()
    for number, delay_s in ((3, 0.03), (5, 0.06)):
        receiver.receive(packet(number, number * STEP), number)
        receiver.feedback(number)
        missing = packet(number - 1, (number - 1) * STEP)
        receiver.receive(missing, number + delay_s, is_retransmission=True)
    receiver.receive(packet(8, 8 * STEP), 8.0)
    receiver.poll(8.0)
    assert nack(receiver, 8.0) == [6, 7]
    assert nack(receiver, 8.04) == [6, 7]


def test_retransmissions_begin_nothing() -> None:
    """Old packets that are sent again, as padding, while the camera rests: the sequence stays what it was."""
    receiver = repairing()
    for number in (60_000, 60_001, 60_002):
        assert receiver.receive(packet(number), 2.0, is_retransmission=True) == []
    assert receiver.statistics.restarts == 0
    assert [unit.timestamp for unit in receiver.receive(packet(2, 2 * STEP), 2.1)] == [2 * STEP]


def test_a_retransmission_may_be_far_behind() -> None:
    """At 20 Mbit/s half a second is a thousand packets."""
    receiver = repairing()
    receiver.receive(packet(3, 3 * STEP, marker=False), 1.0)
    for number in range(4, 1000):
        receiver.receive(packet(number, 3 * STEP, marker=number == 999), 1.2)
    assert receiver.receive(packet(2, 2 * STEP), 1.3, is_retransmission=True)
    assert receiver.statistics.misplaced == 0


def test_without_repair_nothing_is_asked_for() -> None:
    receiver = StreamReceiver(CODECS)
    receiver.receive(packet(0, payload=KEY), 0.0)
    receiver.receive(packet(1, STEP), 0.0)
    receiver.receive(packet(5, 5 * STEP), 1.0)
    data = receiver.feedback(1.0)
    assert data is not None
    assert not any(isinstance(one, RtcpRtpfbPacket) for one in RtcpPacket.parse(data))
