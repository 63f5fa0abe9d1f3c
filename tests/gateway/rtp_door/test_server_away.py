"""The server comes late, goes, and comes back: the media server on the other side notices nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from bench.real_call.programs import free_port
from facegauge_gateway.rtp.codec import Codec
from tests.end_to_end.conftest import StartServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import MediaServer
from tests.gateway.rtp_streams import SSRC, by_ffmpeg, coded

Forwarder = Callable[[str], MediaServer]

PACKETS = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=12, keyframe_interval=4))
STAMPS = list(dict.fromkeys(one.timestamp for one in PACKETS))
RTP = (
    *("rtp", "--listen", "127.0.0.1:0", "--payload", f"{PACKETS[0].payload_type}=vp8"),
    *("--idle-timeout", "3600"),
)


def test_a_stream_waits_for_a_server_that_comes_late(
    start_server_process: StartServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """What was sent before is scored: its keyframe has waited."""
    address = f"127.0.0.1:{free_port()}"
    gateway = start_gateway(address, *RTP)
    forwarder(gateway.ready["rtp"][0]).forward(PACKETS)
    gateway.wait_for(
        lambda: gateway.metric("stream_failures_total", reason="server_unavailable") >= 1, "an attempt"
    )
    assert "no Facegauge server answers" in gateway.log
    start_server_process("--listen", address)
    assert gateway.answer(event="assessment")["stream_id"] == str(SSRC)
    assert gateway.metric("frames_total", result="dropped") == 0


def test_a_stream_outlives_a_server_that_is_killed(
    start_server_process: StartServerProcess, start_gateway: StartGateway, forwarder: Forwarder
) -> None:
    """It goes on at the next server with the next keyframe, and the restart is counted."""
    address = f"127.0.0.1:{free_port()}"
    first = start_server_process("--listen", address)
    gateway = start_gateway(address, *RTP)
    sender = forwarder(gateway.ready["rtp"][0])
    sender.forward(one for one in PACKETS if one.timestamp in STAMPS[:4])
    gateway.answer(event="assessment")
    os.kill(first.pid, signal.SIGKILL)
    gateway.wait_for(lambda: gateway.metric("ready") == 0, "the loss to be noticed")
    start_server_process("--listen", address)
    sender.forward(one for one in PACKETS if one.timestamp in STAMPS[4:])
    gateway.wait_for(lambda: gateway.metric("reconnects_total", kind="restarted") == 1, "the restart")
    assert gateway.stop() == 0
    assert gateway.answer(event="summary")["frames_scored"] >= 1


def test_a_drain_without_a_server_ends(
    start_server_process: StartServerProcess,
    start_gateway: StartGateway,
    forwarder: Forwarder,
    tmp_path: Path,
) -> None:
    """SIGTERM while the server is gone: the process ends in its grace, and the answers are in the file."""
    address = f"127.0.0.1:{free_port()}"
    server = start_server_process("--listen", address)
    lines = tmp_path / "answers.jsonl"
    gateway = start_gateway(address, *RTP, "--answers", str(lines))
    forwarder(gateway.ready["rtp"][0]).forward(PACKETS)
    gateway.wait_for(lambda: gateway.metric("answers_total") >= 1, "an answer")
    os.kill(server.pid, signal.SIGKILL)
    gateway.wait_for(lambda: gateway.metric("ready") == 0, "the loss to be noticed")
    assert gateway.stop() == 0
    assert json.loads(lines.read_text().splitlines()[0])["stream_id"] == str(SSRC)
