"""What a camera takes of the packets that come over its publisher's connection."""

from __future__ import annotations

from collections import Counter

import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RtcpPacket,
    RtcpPsfbPacket,
    RtpPacket,
    unpack_remb_fci,
    wrap_rtx,
)

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.whip_door.camera import Camera, CameraLimits
from facegauge_gateway.whip_door.video_codecs import VideoCodecs
from tests.gateway.rtp_streams import CODECS, INTERVAL_S, SSRC, by_aiortc, coded, serialise

VP8 = next(number for number, codec in CODECS.items() if codec is Codec.VP8)
RTX, RTX_SSRC = 110, 0xABCD


class Setting:
    """A camera, and what it has refused."""

    def __init__(self, limits: CameraLimits | None = None) -> None:
        codecs = VideoCodecs((), {VP8: Codec.VP8}, {RTX: VP8}, can_retransmit=True)
        self.refused: Counter[str] = Counter()
        self.camera = Camera(codecs, limits or CameraLimits(), self._refuse, 0.0)

    def _refuse(self, reason: str, explanation: str, now_s: float) -> None:
        assert explanation
        assert now_s >= 0
        self.refused[reason] += 1

    def take(self, packet: RtpPacket, now_s: float) -> int:
        """Return how many units a packet completes."""
        return len(self.camera.receive(packet, round(now_s * 1000), now_s))


def packets(count: int = 12) -> list[RtpPacket]:
    """Packets of a moving portrait, as aiortc hands them over."""
    return [RtpPacket.parse(serialise(one)) for one in by_aiortc(Codec.VP8, coded(Codec.VP8, count=count))]


def again(packet: RtpPacket) -> RtpPacket:
    return wrap_rtx(packet, payload_type=RTX, sequence_number=1, ssrc=RTX_SSRC)


def test_another_source_is_refused() -> None:
    """The first that comes is the camera; what another one sends changes nothing."""
    setting = Setting()
    sent = packets()
    for packet in sent:
        setting.take(packet, 0.0)
    units = setting.camera.statistics.units
    for packet in sent:
        packet.ssrc = SSRC + 1
        assert setting.take(packet, 1.0) == 0
    assert setting.camera.ssrc == SSRC
    assert setting.refused == {"other_source": len(sent)}
    assert setting.camera.statistics.units == units == 12
    assert setting.camera.last_packet_s == 0.0


def test_a_retransmission_takes_the_place_of_what_was_lost() -> None:
    """Whatever SSRC it comes from; nothing was lost in the end."""
    setting = Setting()
    sent = packets()
    units = sum(setting.take(packet, 0.0) for packet in [*sent[:5], *sent[6:]])
    assert units < 12
    units += setting.take(again(sent[5]), 0.05)
    assert units == 12
    assert setting.camera.statistics.retransmitted == 1
    assert setting.camera.statistics.breaks == 0


def test_retransmissions_of_nothing() -> None:
    """Padding on their payload type, or one that comes before all else."""
    setting = Setting()
    (first, second, *_) = packets()
    assert setting.take(again(first), 0.0) == 0
    assert setting.camera.ssrc is None
    setting.take(first, 0.0)
    setting.take(second, 0.0)
    padding = again(first)
    padding.payload = b""
    assert setting.take(padding, 0.1) == 0
    assert setting.camera.statistics.retransmitted == 0


def test_bits_beyond_the_limit_are_refused() -> None:
    """Retransmissions count as well."""
    setting = Setting(CameraLimits(max_bytes_per_s=3000))
    for packet in packets():
        setting.take(packet, 0.0)
        setting.take(again(packet), 0.0)
    assert setting.refused["bitrate"] > 0
    assert setting.camera.statistics.bytes <= 3000


@pytest.mark.parametrize("kbit_per_s", [500, 2000])
def test_publishers_learn_what_the_path_carries(kbit_per_s: int) -> None:
    """REMB, from the times at which packets were sent and came, follows the bitrate that comes."""
    setting = Setting()
    payload = b"\x10\x00\x00" + bytes(1000)
    interval_s = 8 * len(payload) / (kbit_per_s * 1000)
    estimates = []
    for number in range(round(4 / interval_s)):
        now_s = number * interval_s
        packet = RtpPacket(VP8, 1, number, round(now_s * 90_000), SSRC, payload)
        packet.extensions.abs_send_time = round(now_s * 2**18) % 2**24
        setting.take(packet, now_s)
        for compound in setting.camera.feedback(now_s):
            for one in RtcpPacket.parse(compound):
                if isinstance(one, RtcpPsfbPacket) and one.fmt == RTCP_PSFB_APP:
                    bits_per_s, sources = unpack_remb_fci(one.fci)
                    assert sources == [SSRC]
                    estimates.append(bits_per_s)
    assert estimates
    assert kbit_per_s * 1000 < estimates[-1] < 3 * kbit_per_s * 1000


def test_a_keyframe_is_asked_for_within_the_limit() -> None:
    """The server's need, and what a loss brings, are one request."""
    setting = Setting(CameraLimits(pli_interval_s=2.0))
    sent = packets()
    for packet in [*sent[:5], *sent[6:]]:
        setting.take(packet, 0.0)
    asked = 0
    for tick in range(round(4.5 / INTERVAL_S)):
        now_s = tick * INTERVAL_S
        setting.camera.poll(now_s)
        setting.camera.need_keyframe()
        setting.camera.feedback(now_s)
        asked = setting.camera.statistics.plis
    assert asked == 2
