"""Video that FFmpeg and aiortc packetise comes out as it went in, decoded and compared picture by picture."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.receiver import StreamReceiver
from tests.gateway.rtp_streams import (
    CODECS,
    INTERVAL_S,
    STEP,
    by_aiortc,
    by_ffmpeg,
    coded,
    decode,
    feed,
    in_vp8_layers,
    serialise,
)

Sender = Callable[[Codec, Iterable[bytes]], list[RtpPacket]]
SENDERS = [*((by_ffmpeg, codec) for codec in Codec), (by_aiortc, Codec.H264), (by_aiortc, Codec.VP8)]
each_sender = pytest.mark.parametrize(
    ("sender", "codec"), SENDERS, ids=[f"{sender.__name__}-{codec}" for sender, codec in SENDERS]
)


@each_sender
def test_pictures_come_out_as_they_went_in(sender: Sender, codec: Codec) -> None:
    """Every picture is the same, each at its time, while sequence numbers and timestamps wrap around."""
    sent = coded(codec)
    packets = [RtpPacket.parse(serialise(one)) for one in sender(codec, sent)]
    receiver = StreamReceiver(CODECS)
    units = feed(receiver, packets)
    assert len(packets) > len(sent) > 0
    assert [unit.keyframe for unit in units] == [True] + [False] * (len(sent) - 1)
    assert not any(unit.discontinuity for unit in units)
    assert {unit.codec for unit in units} == {codec}
    assert [unit.timestamp - units[0].timestamp for unit in units] == [STEP * n for n in range(len(sent))]
    for came, went in zip(decode(codec, [unit.data for unit in units]), decode(codec, sent), strict=True):
        np.testing.assert_array_equal(came, went)
    counted = receiver.statistics
    assert (counted.lost, counted.duplicates, counted.units_broken, dict(counted.bad)) == (0, 0, 0, {})


@each_sender
def test_reordering_and_duplicates_change_nothing(sender: Sender, codec: Codec) -> None:
    """Packets that overtake others and come twice give the same units, and nothing is lost."""
    packets = sender(codec, coded(codec))
    in_order = feed(StreamReceiver(CODECS), packets)
    rng = random.Random(codec)  # noqa: S311 - repeatable on purpose
    delays_s = [0.0, *(rng.uniform(0, 0.05) for _ in range(2 * len(packets) - 1))]
    arrivals = [
        (number / 100 + delays_s[2 * number + copy], one)
        for number, one in enumerate(packets)
        for copy in (0, 1)
    ]
    receiver = StreamReceiver(CODECS)
    units = []
    for now_s, one in sorted(arrivals, key=lambda arrival: arrival[0]):
        units += receiver.receive(one, now_s)
    assert [unit.data for unit in units] == [unit.data for unit in in_order]
    assert not any(unit.discontinuity for unit in units)
    assert receiver.statistics.duplicates == len(packets)
    assert (receiver.statistics.lost, receiver.statistics.plis) == (0, 0)


@each_sender
@pytest.mark.parametrize("loss", [0.02, 0.1])
def test_what_follows_a_loss_is_never_taken_for_whole(sender: Sender, codec: Codec, loss: float) -> None:
    """Whatever is decoded up to a discontinuity, and again from a keyframe on, is what was sent."""
    sent = coded(codec, keyframe_interval=8)
    packets = sender(codec, sent)
    for seed in range(8):
        rng = random.Random(f"{codec} {loss} {seed}")  # noqa: S311 - repeatable on purpose
        check_decodable(codec, sent, packets, [one for one in packets if rng.random() >= loss])


def test_a_lost_upper_layer_breaks_no_chain() -> None:
    """Of VP8 L1T3, losing packets of upper layers costs pictures of these layers, and no keyframe."""
    packets, layers = in_vp8_layers()
    first = packets[0].timestamp
    layer_of = {one.timestamp: layers[((one.timestamp - first) & 0xFFFFFFFF) // STEP] for one in packets}
    whole = decode(Codec.VP8, [unit.data for unit in feed(StreamReceiver(CODECS), packets)])
    for seed in range(16):
        rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        kept = [one for one in packets if not layer_of[one.timestamp] or rng.random() > 0.3]
        receiver = StreamReceiver(CODECS)
        units = feed(receiver, kept)
        assert not any(unit.discontinuity for unit in units)
        assert receiver.feedback(5.0) is not None
        assert receiver.statistics.plis == 0
        assert receiver.statistics.lost > 0
        assert sum(unit.temporal_layer == 0 for unit in units) == layers.count(0)
        pictures = decode(Codec.VP8, [unit.data for unit in units])
        for picture, unit in zip(pictures, units, strict=True):
            np.testing.assert_array_equal(picture, whole[(unit.timestamp - units[0].timestamp) // STEP])


def test_a_lost_base_layer_breaks_the_chain() -> None:
    """Of VP8 L1T3, losing one packet of the base layer is told at once and asks for a keyframe."""
    packets, layers = in_vp8_layers()
    at = next(
        n for n, one in enumerate(packets) if one.timestamp == (packets[0].timestamp + 8 * STEP) % 2**32
    )
    receiver = StreamReceiver(CODECS)
    units = feed(receiver, packets[:at] + packets[at + 1 :])
    assert layers[8] == 0
    assert [unit.discontinuity for unit in units] == [False] * 8 + [True] * (len(layers) - 9)
    receiver.feedback(5.0)
    assert (receiver.statistics.breaks, receiver.statistics.plis) == (1, 1)


def test_simulcast_switch_changes_the_size_at_a_keyframe() -> None:
    """The same source goes on in another size: its keyframe comes out whole, without a discontinuity."""
    for codec in Codec:
        small, large = coded(codec), coded(codec, width=640, height=480)
        packets = by_ffmpeg(codec, [*small[:6], *large[:6]])
        units = feed(StreamReceiver(CODECS), packets)
        assert [unit.keyframe for unit in units] == ([True] + [False] * 5) * 2
        assert not any(unit.discontinuity for unit in units)
        heights = [picture.shape[0] * 2 // 3 for picture in decode(codec, [unit.data for unit in units])]
        assert heights == [240] * 6 + [480] * 6


def test_another_codec_mid_stream_begins_at_its_keyframe() -> None:
    """A change of payload type gives the new codec's units, the first of them told as a discontinuity."""
    for before in Codec:
        for after in Codec:
            if before is after:
                continue
            packets = by_ffmpeg(before, coded(before)[:4])
            last = packets[-1]
            packets += [
                dataclasses.replace(
                    one,
                    sequence=(last.sequence + 1 + number) & 0xFFFF,
                    timestamp=(last.timestamp + STEP) & 0xFFFFFFFF,
                )
                for number, one in enumerate(by_ffmpeg(after, coded(after)[:1]))
            ]
            units = feed(StreamReceiver(CODECS), packets)
            assert [unit.codec for unit in units] == [before] * 4 + [after]
            assert (units[-1].keyframe, units[-1].discontinuity) == (True, True)
            assert len(decode(after, [units[-1].data])) == 1


def test_another_codec_needs_no_packet_that_tells_where_it_begins() -> None:
    """Without a gap the first packet of a codec begins its unit, here with SEI, which tells nothing."""
    key = coded(Codec.VP8)[0]
    packets = by_ffmpeg(Codec.VP8, [key])
    payloads = [b"\x06\x05\x00\x80", b"\x67\x42\xc0\x1f\x8c", b"\x68\xce\x3c", b"\x65\x88\x80"]
    last = packets[-1]
    for number, payload in enumerate(payloads):
        packets.append(
            dataclasses.replace(
                last,
                payload_type=next(number for number, codec in CODECS.items() if codec is Codec.H264),
                sequence=(last.sequence + 1 + number) & 0xFFFF,
                timestamp=(last.timestamp + STEP) & 0xFFFFFFFF,
                marker=number == len(payloads) - 1,
                payload=payload,
            )
        )
    assert [unit.codec for unit in feed(StreamReceiver(CODECS), packets)] == [Codec.VP8, Codec.H264]


def check_decodable(
    codec: Codec, sent: Iterable[bytes], packets: list[RtpPacket], kept: list[RtpPacket]
) -> None:
    """Decode what comes of the packets that are kept the way that the server does."""
    whole = decode(codec, sent)
    receiver = StreamReceiver(CODECS)
    units = feed(receiver, kept)
    chains: list[list[int]] = []
    first = packets[0].timestamp
    is_broken = True
    for number, unit in enumerate(units):
        if unit.keyframe:
            chains.append([])
            is_broken = False
        elif unit.discontinuity:
            is_broken = True
        if not is_broken:
            chains[-1].append(number)
    for chain in chains:
        pictures = decode(codec, [units[number].data for number in chain])
        for picture, number in zip(pictures, chain, strict=True):
            at = ((units[number].timestamp & 0xFFFFFFFF) - first & 0xFFFFFFFF) // STEP
            np.testing.assert_array_equal(picture, whole[at])
    counted = receiver.statistics
    assert counted.lost == len(packets) - len(kept) - _lost_at_the_ends(packets, kept)
    assert counted.units + counted.units_broken + counted.units_left_out <= len(whole)
    if units and is_broken:
        assert receiver.feedback(len(whole) * INTERVAL_S + 2) is not None
        assert counted.plis == 1


def _lost_at_the_ends(packets: list[RtpPacket], kept: list[RtpPacket]) -> int:
    """Losses that nobody can see: before the first packet and after the last one."""
    return packets.index(kept[0]) + len(packets) - 1 - packets.index(kept[-1])
