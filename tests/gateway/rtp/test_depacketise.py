"""The payload formats: what real senders seldom do, and what nobody should."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.depacketise import DEPACKETISERS
from facegauge_gateway.rtp.depacketise.vp9 import superframe
from facegauge_gateway.rtp.layering import CodedUnit, Layering
from facegauge_gateway.rtp.receiver import StreamReceiver
from tests.gateway.rtp_streams import CODECS, by_aiortc, by_ffmpeg, coded, decode, feed, packet

START = b"\x00\x00\x00\x01"
SPS, PPS = b"\x67\x42\xc0\x1f\x8c", b"\x68\xce\x3c"
IDR, SLICE = b"\x65\x88\x80", b"\x41\x9a\x00"


def made(codec: Codec, *payloads: bytes) -> CodedUnit:
    """One unit of these payloads."""
    unit = DEPACKETISERS[codec]().depacketise(payloads)
    assert unit is not None
    return unit


@pytest.mark.parametrize(
    ("codec", "payloads", "why"),
    [
        (Codec.H264, [b"\x7c\x85ab", b"\x7c\x05cd"], "has no end"),
        (Codec.H264, [b"\x7c\x85ab", SLICE], "no end before the next"),
        (Codec.H264, [b"\x7c\x05ab"], "contradict each other in S and E"),
        (Codec.H264, [b"\x7c\xc5ab"], "contradict each other in S and E"),
        (Codec.H264, [b"\x7c\x85ab", b"\x7c"], "ends within its header"),
        (Codec.H264, [b"\x7c\x9cab", b"\x7c\x5ccd"], "NAL unit of type 28"),
        (Codec.H264, [b"\x78\x00\x09ab"], "NAL unit of 9 bytes, which it has not"),
        (Codec.H264, [b"\x78\x00\x00"], "NAL unit of 0 bytes"),
        (Codec.H264, [b"\x79\x00\x01ab"], "packetization-mode=1"),
        (Codec.H264, [b"\x7e"], "type 30 is not defined"),
        (Codec.H264, [b"\xe5\x88"], "forbidden bit"),
        (Codec.H264, [IDR], "never its SPS and PPS"),
        (Codec.VP8, [b"\x90"], "cannot be read"),
        (Codec.VP8, [b"\x10ab"], "less than its frame tag"),
        (Codec.VP8, [b"\x10abc", b"\x10abc"], "not one frame"),
        (Codec.VP8, [b"\x00abc"], "not one frame"),
        (Codec.VP9, [b"\x80"], "ends within its descriptor"),
        (Codec.VP9, [b"\x0a\x18"], "ends within its descriptor"),
        (Codec.VP9, [b"\x5c\x03\x03\x03\x03\x82"], "more than 3 references"),
        (Codec.VP9, [b"\x08\x82ab"], "has no end"),
        (Codec.VP9, [b"\x04ab"], "contradict each other in B and E"),
        (Codec.VP9, [b"\x0c\x42ab"], "frame marker is missing"),
        (Codec.VP9, [b"\x0c"], "with an empty one"),
        (Codec.AV1, [b"\x10"], "holds 0 OBUs where it announces 1"),
        (Codec.AV1, [b"\x20\x05abcde"], "holds 1 OBUs where it announces 2"),
        (Codec.AV1, [b"\x00\x09ab"], "an OBU that ends at 11"),
        (Codec.AV1, [b"\x00\x80"], "ends within the size"),
        (Codec.AV1, [b"\x00" + b"\xff" * 9], "has no end"),
        (Codec.AV1, [b"\x90\x30"], "contradict each other in Z and Y"),
        (Codec.AV1, [b"\x50\x30", b"\x10\x30"], "contradict each other in Z and Y"),
        (Codec.AV1, [b"\x50\x30ab"], "has no end"),
        (Codec.AV1, [b"\x10\xb0"], "forbidden bit"),
        (Codec.AV1, [b"\x10\x32\x09a"], "ends 8 after its packets"),
    ],
)
def test_what_is_wrong_is_named(codec: Codec, payloads: list[bytes], why: str) -> None:
    """Each kind of payloads that make no unit has its sentence."""
    with pytest.raises(BadPacket, match=why):
        DEPACKETISERS[codec]().depacketise(payloads)


@pytest.mark.parametrize("codec", Codec)
@settings(deadline=None)
@given(payloads=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_any_payloads_are_a_unit_or_bad(codec: Codec, payloads: list[bytes]) -> None:
    """No bytes bring another exception, and no unit has more bytes than could come of them."""
    depacketiser = DEPACKETISERS[codec]()
    for payload in payloads:
        depacketiser.is_start(payload)
    try:
        unit = depacketiser.depacketise(payloads)
    except BadPacket:
        return
    assert unit is None or 0 < len(unit.data) <= 4 * sum(map(len, payloads)) + 20


@pytest.mark.parametrize("codec", Codec)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_streams_break_units_alone(codec: Codec, data: st.DataObject) -> None:
    """Whatever is done to the bytes of a real stream, the receiver goes on, and counts."""
    receiver = StreamReceiver(CODECS)
    packets = by_ffmpeg(codec, coded(codec)[:4])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(packets) - 1))
        keep = data.draw(st.integers(0, 20))
        other = data.draw(st.binary(max_size=20))
        packets[at] = packet(
            packets[at].sequence,
            packets[at].timestamp,
            payload_type=packets[at].payload_type,
            marker=data.draw(st.booleans()),
            payload=packets[at].payload[:keep] + other,
        )
    units = feed(receiver, packets)
    counted = receiver.statistics
    assert counted.units == len(units)
    assert counted.lost == 0
    assert sum(counted.bad.values()) <= counted.units_broken


class TestH264:
    """RFC 6184."""

    def test_parameter_sets_are_remembered_for_a_keyframe_without_them(self) -> None:
        """They stand before the picture and after a delimiter; they may come in a unit of their own."""
        depacketiser = DEPACKETISERS[Codec.H264]()
        assert depacketiser.depacketise([SPS]) is None
        assert depacketiser.depacketise([PPS]) is None
        unit = depacketiser.depacketise([b"\x09\x10", IDR])
        assert unit == CodedUnit(START + b"\x09\x10" + START + SPS + START + PPS + START + IDR, keyframe=True)
        other = depacketiser.depacketise([SLICE])
        assert other == CodedUnit(START + SLICE, keyframe=False)

    def test_real_video_without_its_parameter_sets_is_decoded(self) -> None:
        """A second keyframe that lacks them is the same picture with those of the first."""
        sent = coded(Codec.H264, keyframe_interval=4)
        packets = by_ffmpeg(Codec.H264, sent)
        ours = DEPACKETISERS[Codec.H264]()
        units: list[bytes] = []
        for timestamp in dict.fromkeys(one.timestamp for one in packets):
            payloads = [one.payload for one in packets if one.timestamp == timestamp]
            if units:
                kinds = [one[0] & 0x1F for one in payloads]
                payloads = [one for one, kind in zip(payloads, kinds, strict=True) if kind not in (7, 8, 24)]
            unit = ours.depacketise(payloads)
            assert unit is not None
            units.append(unit.data)
        for came, went in zip(decode(Codec.H264, units), decode(Codec.H264, sent), strict=True):
            np.testing.assert_array_equal(came, went)

    def test_only_the_newest_sets_of_an_id_are_kept(self) -> None:
        """A sender that changes its parameters is not decoded with the old ones; a huge set is not kept."""
        depacketiser = DEPACKETISERS[Codec.H264]()
        newer = SPS[:-1] + b"\x8d"
        for nal_unit in (SPS, newer, SPS + bytes(2000), PPS):
            depacketiser.depacketise([nal_unit])
        unit = depacketiser.depacketise([IDR])
        assert unit is not None
        assert unit.data == START + newer + START + PPS + START + IDR

    def test_a_picture_that_lost_its_first_slice_is_none(self) -> None:
        """Slices that follow fit together by themselves; behind a gap only the first one may begin."""
        receiver = StreamReceiver(CODECS)
        later_slice = b"\x41\x1a\x00"
        payloads = [SPS, PPS, IDR, SLICE, later_slice, SLICE, later_slice]
        timestamps = [0, 0, 0, 1, 1, 2, 2]
        packets = [
            packet(n, timestamps[n] * 3000, payload_type=96, payload=payload, marker=n in (2, 4, 6))
            for n, payload in enumerate(payloads)
        ]
        units = feed(receiver, [one for one in packets if one.sequence != 3])
        assert [(unit.timestamp // 3000, unit.discontinuity) for unit in units] == [(0, False), (2, True)]
        assert (receiver.statistics.units_broken, dict(receiver.statistics.bad)) == (1, {})

    @pytest.mark.parametrize(
        ("payload", "is_start"),
        [
            (SPS, True),
            (b"\x09\x10", True),
            (SLICE, True),
            (b"\x78\x00\x05" + SPS, True),
            (b"\x7c\x81\x9a", True),
            (b"\x41\x1a", False),  # a later slice
            (IDR, False),  # its parameter sets may be missing
            (b"\x7c\x01\x9a", False),
            (b"\x7c", False),
            (PPS, False),
        ],
    )
    def test_the_beginning_of_a_picture_is_told(self, payload: bytes, is_start: bool) -> None:
        """Behind a gap only what cannot have anything before it begins a unit."""
        assert DEPACKETISERS[Codec.H264]().is_start(payload) is is_start


class TestVp8:
    """RFC 7741."""

    def test_a_later_partition_begins_no_frame(self) -> None:
        """S with a partition ID goes on with the frame (4.2)."""
        assert made(Codec.VP8, b"\x10\x01\x00\x00", b"\x11more").data == b"\x01\x00\x00more"
        assert not DEPACKETISERS[Codec.VP8]().is_start(b"\x11more")

    def test_the_descriptor_is_read(self) -> None:
        """Picture IDs of 7 and 15 bits, TL0PICIDX, TID and Y."""
        wide = made(Codec.VP8, b"\x90\xe0\x81\x02\x07\x60" + b"\x01\x00\x00")
        assert wide == CodedUnit(
            b"\x01\x00\x00",
            keyframe=False,
            layering=Layering(1, picture_id=0x102, picture_id_bits=15, base_index=7, needs_base_alone=True),
        )
        narrow = made(Codec.VP8, b"\x90\x80\x22" + b"\x00\x00\x00")
        assert (narrow.keyframe, narrow.layering) == (True, Layering(picture_id=0x22, picture_id_bits=7))


class TestVp9:
    """RFC 9628."""

    def test_the_descriptor_is_read(self) -> None:
        """Outside flexible mode: picture ID, layers, TL0PICIDX, and the scalability structure passed over."""
        structure = b"\x38" + struct.pack("!HHHH", 320, 180, 640, 360) + b"\x02\x04\x01\x28\x01\x02"
        unit = made(Codec.VP9, b"\xae\x81\x02\x50\x09" + structure + b"\x82\x49")
        assert unit == CodedUnit(
            b"\x82\x49",
            keyframe=True,
            layering=Layering(2, picture_id=0x102, base_index=9, opens_upper_layers=True),
        )

    def test_flexible_mode_names_its_references(self) -> None:
        """P_DIFFs, up to three, and no TL0PICIDX."""
        unit = made(Codec.VP9, b"\xfc\x22\x20\x03\x06" + b"\x86\x00")
        assert unit.layering == Layering(1, picture_id=0x22, picture_id_bits=7, references=(1, 3))

    def test_spatial_layers_become_a_superframe(self) -> None:
        """A decoder is told where each layer ends: it decodes both, which it does not of the bytes alone."""
        low, high = coded(Codec.VP9, 1)[0], coded(Codec.VP9, 1, 640, 480)[0]
        half = len(high) // 2
        unit = made(
            Codec.VP9,
            b"\xac\x01\x00\x00" + low,
            b"\xa8\x01\x02\x00" + high[:half],
            b"\xa4\x01\x02\x00" + high[half:],
        )
        assert unit.keyframe
        assert unit.data == superframe([low, high])
        assert [one.shape[1] for one in decode(Codec.VP9, [unit.data])] == [320, 640]

    def test_only_the_lowest_layer_begins_a_picture(self) -> None:
        """Behind a gap a frame of an upper spatial layer may lack the one below."""
        vp9 = DEPACKETISERS[Codec.VP9]()
        assert vp9.is_start(b"\x0c\x82")
        assert vp9.is_start(b"\xa8\x01\x00\x00\x82")
        assert not vp9.is_start(b"\xa8\x01\x02\x00\x82")
        assert not vp9.is_start(b"\x04\x82")


class TestAv1:
    """RTP Payload Format For AV1."""

    def test_each_obu_gets_its_size_and_a_delimiter_comes_first(self) -> None:
        """With sizes or without, in fragments or not, with delimiters or padding: one format comes out."""
        sequence, frame = b"\x08seq", b"\x34\x20" + b"\x10" + bytes(299)
        expected = b"\x12\x00" + b"\x0a\x03seq" + b"\x36\x20\xac\x02\x10" + bytes(299)
        for payloads in (
            [b"\x28\x04" + sequence + frame],
            [b"\x08\x04" + sequence + b"\xae\x02" + frame],
            [b"\x68\x04" + sequence + frame[:100], b"\xd0" + frame[100:200], b"\x90" + frame[200:]],
            [b"\x58" + sequence[:2], b"\xa0\x02" + sequence[2:] + frame],
            [b"\x08\x02\x12\x00\x05\x0a\x03seq\x02\x78\x00\xb0\x02\x36\x20\xac\x02\x10" + bytes(299)],
        ):
            unit = made(Codec.AV1, *payloads)
            assert unit == CodedUnit(expected, keyframe=True, layering=Layering(temporal_layer=1))

    def test_a_key_frame_shown_again_is_none(self) -> None:
        """Nor one without a sequence header, nor an inter frame with one."""
        assert not made(Codec.AV1, b"\x28\x04\x08seq\x18\x80").keyframe
        assert not made(Codec.AV1, b"\x10\x30\x10").keyframe
        assert not made(Codec.AV1, b"\x28\x04\x08seq\x30\x20").keyframe

    def test_a_coded_video_sequence_begins_a_unit(self) -> None:
        """By N, by its header or by a delimiter; a frame alone may have lost what stood before it."""
        av1 = DEPACKETISERS[Codec.AV1]()
        assert av1.is_start(b"\x18\x30")
        assert av1.is_start(b"\x20\x04\x08seq\x30")
        assert av1.is_start(b"\x10\x10")
        assert not av1.is_start(b"\x10\x30")
        assert not av1.is_start(b"\x90\x08")


def test_aggregated_parameter_sets_of_aiortc_are_split() -> None:
    """A STAP-A of SPS and PPS gives both (RFC 6184, 5.7.1)."""
    first = by_aiortc(Codec.H264, coded(Codec.H264)[:1])
    assert first[0].payload[0] & 0x1F == 24
    unit = made(Codec.H264, *(one.payload for one in first))
    kinds = [nal_unit[0] & 0x1F for nal_unit in unit.data.split(START)[1:]]
    assert kinds[:2] == [7, 8]
    assert kinds[-1] == 5
