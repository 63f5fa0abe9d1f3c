"""A call that a media server forwards to a gateway, with all that may be wrong with one."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.packet import RtpPacket
from tests.gateway.gateway_process import GatewayProcess, MediaServer, run_gateway
from tests.gateway.rtp_streams import CODECS, INTERVAL_S, STEP, by_ffmpeg, coded, serialise

__all__ = ["forwarded_call"]

UNITS = 24
LOST, BAD = 8, 16
"""Units of each round: of one a packet is lost, another is no VP8."""
STRAY = b"?"


@contextmanager
def forwarded_call(folder: Path, server: str) -> Iterator[GatewayProcess]:
    """Run a gateway and forward a stream of VP8 to it until the end of the block."""
    (kind,) = (number for number, codec in CODECS.items() if codec is Codec.VP8)
    flags = ("--payload", f"{kind}=vp8", "--stream-id", "forwarded", "--call-id", "standup")
    over = threading.Event()
    with run_gateway(folder, server, "rtp", "--listen", "127.0.0.1:0", *flags) as gateway:
        sender = MediaServer(gateway.ready["rtp"][0])
        forwarding = threading.Thread(target=_forward, args=(sender, over))
        forwarding.start()
        try:
            yield gateway
        finally:
            over.set()
            forwarding.join()
            sender.close()


def _forward(sender: MediaServer, over: threading.Event) -> None:
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=UNITS))
    units = [list(unit) for _, unit in itertools.groupby(packets, lambda one: one.timestamp)]
    for number in itertools.count():
        for index, unit in enumerate(units):
            sender.send(STRAY)
            for place, one in enumerate(unit):
                if index == LOST and place == 0:
                    continue
                payload = b"\xff" if index == BAD else one.payload
                sender.send(serialise(_moved(one, number * len(packets), number * UNITS * STEP, payload)))
            if over.wait(INTERVAL_S):
                return


def _moved(one: RtpPacket, packets: int, ticks: int, payload: bytes) -> RtpPacket:
    """The same packet in a later round."""
    return dataclasses.replace(
        one,
        sequence=(one.sequence + packets) & 0xFFFF,
        timestamp=(one.timestamp + ticks) & 0xFFFFFFFF,
        payload=payload,
    )
