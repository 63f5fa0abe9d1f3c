"""Wrong flags end with a sentence that names the flag and says what to give."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_gateway.cli import command

PAYLOAD = ("--payload", "96=vp8")
WRONG = {
    "no codec": ((), "no payload type has a codec: give --payload"),
    "a codec of none": (("--payload", "96=h265"), "one of h264, vp8, vp9, av1"),
    "a payload type beyond": (("--payload", "128=vp8"), "0-127"),
    "a payload type of no digits": (("--payload", "²=vp8"), "0-127"),
    "a payload type of RTCP": (("--payload", "72=vp8"), "from 96 to 127"),
    "a payload type twice": ((*PAYLOAD, "--payload", "96=h264"), "--payload 96=h264: the type has another"),
    "a source twice": (
        (*PAYLOAD, "--ssrc", "7=a", "--ssrc", "0x7=b"),
        "--ssrc 0x7=b: the source has another",
    ),
    "a port of none": ((*PAYLOAD, "--listen", "127.0.0.1:70000"), "--listen wants HOST:PORT"),
    "a range backwards": ((*PAYLOAD, "--listen", "127.0.0.1:5010-5000"), "--listen wants HOST:FIRST-LAST"),
    "RTP from anyone": ((*PAYLOAD, "--listen", "0.0.0.0:5004"), "--allow-from"),
    "HTTP for anyone": ((*PAYLOAD, "--http-listen", "0.0.0.0:9465"), "--read-tokens"),
    "an origin with a path": ((*PAYLOAD, "--allow-origin", "https://meet.example/"), "without a path"),
    "a network of none": ((*PAYLOAD, "--allow-from", "ten"), "--allow-from wants a network"),
    "an SSRC of none": ((*PAYLOAD, "--ssrc", "alice"), "--ssrc wants SSRC=STREAM/CALL"),
    "a template of none": ((*PAYLOAD, "--stream-id", "{name}"), "--stream-id '{name}'"),
    "a template of more": ((*PAYLOAD, "--stream-id", "{ssrc[0]}"), "--stream-id '{ssrc[0]}'"),
    "half of TLS": ((*PAYLOAD, "--tls-cert", "cert.pem"), "--tls-cert and --tls-key go together"),
    "no file": (("--sdp", "missing.sdp"), "--sdp: cannot read missing.sdp"),
    "a token in clear": ((*PAYLOAD, "--server", "10.0.0.1:50051"), "--insecure-token"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_flag_is_named(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flags, words = WRONG[case]
    monkeypatch.setenv("FACEGAUGE_TOKEN", "a-token-that-nobody-may-read")
    done = CliRunner().invoke(command, ["rtp", *flags])
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert "a-token-that-nobody-may-read" not in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "is no SDP"),
        ("v=0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 111\r\n", "no video"),
        ("", "is no SDP"),
    ],
)
def test_an_sdp_that_is_none_says_so(text: str, words: str, tmp_path: Path) -> None:
    sdp = tmp_path / "call.sdp"
    sdp.write_text(text)
    done = CliRunner().invoke(command, ["rtp", "--sdp", str(sdp)])
    assert done.exit_code == 2
    assert words in done.output
    assert str(sdp) in done.output
