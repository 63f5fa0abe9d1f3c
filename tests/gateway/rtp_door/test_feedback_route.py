"""RTCP finds the socket that waits for it."""

from __future__ import annotations

import itertools

import pytest

from facegauge_gateway.rtp_door.feedback_route import FRESH_S, MAX_FREE, FeedbackRoutes, is_latch

HOST, OTHER_HOST = "10.0.0.1", "10.0.0.2"
RTP, REPORTS = (HOST, 4000), (HOST, 4001)
FIRST, SECOND, THIRD = ((HOST, port) for port in (5001, 5002, 5003))
NOW_S = 100.0


def routes_of(*ssrcs: int, latched: tuple[tuple[str, int], ...] = ()) -> FeedbackRoutes:
    """Routes of streams that have begun at the same moment, after the empty packets of these sockets."""
    routes = FeedbackRoutes()
    for source in latched:
        routes.latch(source, NOW_S)
        routes.latch(source, NOW_S)
    for ssrc in ssrcs:
        routes.begin(ssrc, HOST, NOW_S)
    return routes


def ask(routes: FeedbackRoutes, ssrc: int, own: tuple[str, int]) -> int:
    """Ask for a keyframe until the request goes to the stream's own socket; returns how often."""
    for tries in itertools.count(1):
        routes.ask(ssrc, was_in_vain=tries > 1)
        if routes.route(ssrc, RTP) == own:
            routes.answer(ssrc)
            return tries
        assert tries < 10
    raise AssertionError


def test_without_rtcp_it_goes_back_where_rtp_comes_from() -> None:
    """Mediasoup's PlainTransport with rtcpMux; also after requests in vain, as there is no other way."""
    routes = routes_of(1)
    routes.ask(1, was_in_vain=False)
    routes.ask(1, was_in_vain=True)
    assert routes.route(1, RTP) == RTP


def test_the_peers_own_rtcp_says_where() -> None:
    """A report names its stream, so it stands above any guess, also after a request in vain."""
    routes = routes_of(1, latched=(FIRST,))
    assert routes.route(1, RTP) == FIRST
    routes.report(1, REPORTS)
    routes.ask(1, was_in_vain=False)
    routes.ask(1, was_in_vain=True)
    assert routes.route(1, RTP) == REPORTS
    routes.begin(2, HOST, NOW_S)
    assert routes.route(2, RTP) == FIRST, "the socket was another stream's"


def test_forwards_one_after_the_other_share_a_port() -> None:
    """Each takes the socket that came just before it, and those before keep theirs."""
    routes = FeedbackRoutes()
    sockets = {ssrc: (HOST, 5000 + ssrc) for ssrc in range(1, 6)}
    for ssrc, source in sockets.items():
        routes.latch(source, NOW_S + ssrc)
        routes.begin(ssrc, HOST, NOW_S + ssrc)
    routes.begin(99, OTHER_HOST, NOW_S)
    assert [routes.route(ssrc, RTP) for ssrc in sockets] == list(sockets.values())
    assert routes.route(99, RTP) == RTP


@pytest.mark.parametrize("begun", list(itertools.permutations((1, 2, 3))))
def test_forwards_at_the_same_moment_find_their_own_sockets(begun: tuple[int, ...]) -> None:
    """Whatever the order of their first packets; whoever has found its own loses it to nobody."""
    own = {1: FIRST, 2: SECOND, 3: THIRD}
    routes = routes_of(*begun, latched=(FIRST, SECOND, THIRD))
    assert {routes.route(ssrc, RTP) for ssrc in begun} == set(own.values())
    for ssrc, source in own.items():
        assert ask(routes, ssrc, source) <= len(own)
    assert all(ask(routes, ssrc, source) == 1 for ssrc, source in own.items())


def test_an_answer_to_several_requests_proves_nothing() -> None:
    """Both ask through the other's socket: both get a keyframe, and the first loss of one tells."""
    routes = routes_of(2, 1, latched=(FIRST, SECOND))
    for ssrc in (1, 2):
        routes.ask(ssrc, was_in_vain=False)
    for ssrc in (1, 2):
        routes.answer(ssrc)
    assert ask(routes, 1, FIRST) == 2
    assert ask(routes, 2, SECOND) == 1


def test_a_forward_whose_camera_is_off_misleads_nobody() -> None:
    """Its socket waits for it, and the next stream takes the one that has just come."""
    routes = routes_of(latched=(FIRST,))
    later_s = NOW_S + FRESH_S + 1
    routes.latch(SECOND, later_s)
    routes.begin(2, HOST, later_s)
    assert routes.route(2, RTP) == SECOND
    routes.begin(1, HOST, later_s + 1)
    assert routes.route(1, RTP) == FIRST


def test_a_forward_that_begins_again_takes_its_feedback_along() -> None:
    """With the first request that is in vain at its old socket; from another port of its own, at once."""
    routes = routes_of(1, latched=(FIRST,))
    routes.latch(SECOND, NOW_S + 10)
    assert ask(routes, 1, SECOND) == 2
    routes.latch(THIRD, NOW_S + 20)
    routes.begin(1, HOST, NOW_S + 20)
    assert routes.route(1, RTP) == THIRD


def test_a_stream_that_moves_to_another_host_leaves_its_routes_behind() -> None:
    """Feedback would go to a media server that is gone."""
    routes = routes_of(1, latched=(FIRST,))
    routes.report(1, REPORTS)
    routes.begin(1, OTHER_HOST, NOW_S + 10)
    assert routes.route(1, (OTHER_HOST, 4000)) == (OTHER_HOST, 4000)


def test_a_stream_that_ends_takes_its_known_socket_along_and_leaves_a_guess() -> None:
    """The guess may be somebody else's: two began at once, and the one that is left finds its own."""
    routes = routes_of(1, latched=(FIRST,))
    routes.end(1)
    routes.begin(1, HOST, NOW_S + 10)
    assert routes.route(1, RTP) == RTP
    routes = routes_of(2, 1, latched=(FIRST, SECOND))
    routes.end(2)
    assert ask(routes, 1, FIRST) == 2


def test_sockets_that_nobody_claims_are_forgotten() -> None:
    """The oldest: whoever sends empty packets from many ports holds no memory."""
    routes = routes_of(latched=tuple((HOST, 5000 + number) for number in range(MAX_FREE + 5)))
    for ssrc in range(MAX_FREE + 5):
        routes.begin(ssrc, HOST, NOW_S)
    found = [routes.route(ssrc, RTP) for ssrc in range(MAX_FREE + 5)]
    assert (found[0], found.count(RTP)) == ((HOST, 5005), 5)


def test_a_packet_of_janus_is_told_from_rtp() -> None:
    assert is_latch(b"\x80" + bytes(11))
    assert not is_latch(b"\x80" + bytes(12))
    assert not is_latch(b"\x80\x60" + bytes(10))
