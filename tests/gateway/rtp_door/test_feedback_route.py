"""RTCP finds the socket that waits for it."""

from __future__ import annotations

from facegauge_gateway.rtp_door.feedback_route import FeedbackRoutes, is_latch

RTP, REPORTS = ("10.0.0.1", 4000), ("10.0.0.1", 4001)
FIRST, SECOND = ("10.0.0.1", 5001), ("10.0.0.1", 5002)


def test_without_rtcp_it_goes_back_where_rtp_comes_from() -> None:
    """Mediasoup's PlainTransport with rtcpMux."""
    routes = FeedbackRoutes()
    routes.begin(1, RTP[0])
    assert routes.route(1, RTP) == RTP


def test_the_peers_own_rtcp_says_where() -> None:
    routes = FeedbackRoutes()
    routes.latch(FIRST)
    routes.begin(1, RTP[0])
    assert routes.route(1, RTP) == FIRST
    routes.report(1, REPORTS)
    assert routes.route(1, RTP) == REPORTS


def test_empty_packets_belong_to_the_streams_in_their_order() -> None:
    """Two forwards of one Janus to one port; each sends its two packets before its RTP."""
    routes = FeedbackRoutes()
    for source in (FIRST, FIRST):
        routes.latch(source)
    routes.begin(1, RTP[0])
    routes.begin(2, "10.0.0.2")
    routes.latch(FIRST)
    routes.begin(3, RTP[0])
    routes.latch(SECOND)
    routes.begin(4, RTP[0])
    assert [routes.route(ssrc, RTP) for ssrc in (1, 2, 3, 4)] == [FIRST, RTP, RTP, SECOND]


def test_a_forward_that_begins_again_takes_its_feedback_along() -> None:
    """The newest empty packets are of the only stream, whose SSRC may stay the same."""
    routes = FeedbackRoutes()
    routes.latch(FIRST)
    routes.begin(1, RTP[0])
    routes.latch(SECOND)
    assert routes.route(1, RTP) == SECOND
    routes.end(1)
    routes.begin(1, RTP[0])
    assert routes.route(1, RTP) == RTP


def test_a_packet_of_janus_is_told_from_rtp() -> None:
    assert is_latch(b"\x80" + bytes(11))
    assert not is_latch(b"\x80" + bytes(12))
    assert not is_latch(b"\x80\x60" + bytes(10))
