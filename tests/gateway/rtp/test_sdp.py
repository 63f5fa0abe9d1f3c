"""SDPs of media servers and of FFmpeg, and texts that are none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.sdp import BadSdp, read_sdp

HEAD = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
BROWSER = (
    HEAD
    + """a=group:BUNDLE 0 1\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=rtpmap:111 opus/48000/2\r
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 45 46\r
a=rtpmap:96 VP8/90000\r
a=rtpmap:97 rtx/90000\r
a=fmtp:97 apt=96\r
a=rtpmap:98 VP9/90000\r
a=fmtp:98 profile-id=0\r
a=rtpmap:99 rtx/90000\r
a=fmtp:99 apt=98\r
a=rtpmap:100 H264/90000\r
a=fmtp:100 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r
a=rtpmap:101 ulpfec/90000\r
a=rtpmap:45 AV1/90000\r
a=rtpmap:46 red/90000\r
a=rtcp-fb:96 nack pli\r
"""
)
PLAIN = HEAD + "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 {}\r\n"


def test_a_browsers_video_is_found() -> None:
    """All four codecs; retransmission, error correction and audio are left out."""
    assert read_sdp(BROWSER) == {96: Codec.VP8, 98: Codec.VP9, 100: Codec.H264, 45: Codec.AV1}


def test_names_are_read_in_any_case_and_lines_end_in_either_way() -> None:
    """RFC 8866, 5 and 6.6."""
    assert read_sdp(PLAIN.format("h264/90000").replace("\r\n", "\n")) == {96: Codec.H264}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with v=0"),
        ("96=vp8", "must begin with v=0"),
        (HEAD, "but no video at all"),
        (HEAD + "m=audio 9 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n", "but no video at all"),
        (PLAIN.format("H265/90000"), "of H264, VP8, VP9, AV1, but H265"),
        (PLAIN.format("VP8/1000"), "clock of 1000 Hz: it must be 90000"),
        (PLAIN.format("H264/90000") + "a=fmtp:96 packetization-mode=2\r\n", "negotiate mode 1"),
        (PLAIN.format("VP8/90000") + "m=video 1 RTP/AVP 96\r\na=rtpmap:96 VP9/90000\r\n", "has two codecs"),
        (PLAIN.format("VP8"), "cannot be read"),
        (HEAD + "m=video\r\n", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(text: str, why: str) -> None:
    """Each kind of SDP that cannot be used has its sentence."""
    with pytest.raises(BadSdp, match=why):
        read_sdp(text)


@settings(deadline=None)
@given(st.text(max_size=100), st.integers(0, len(BROWSER)))
def test_any_text_is_read_or_bad(text: str, at: int) -> None:
    """No text brings another exception."""
    for broken in ("v=" + text, BROWSER[:at] + text + BROWSER[at:], BROWSER[:at] + text):
        with contextlib.suppress(BadSdp):
            read_sdp(broken)
