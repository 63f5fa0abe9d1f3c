"""`facegauge-gateway rtp`: RTP from media servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from facegauge_gateway.address import parse_network
from facegauge_gateway.cli.coded_options import Coded, coded_options
from facegauge_gateway.cli.options import FILE, Shared, shared_options
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.sdp import BadSdp, read_sdp
from facegauge_gateway.rtp_door import Listen, RtpDoor, RtpSettings
from facegauge_gateway.rtp_door.names import Names, StreamName, parse_ssrc
from facegauge_gateway.serve import serve

__all__ = ["rtp"]

MAX_SDP_BYTES = 64 * 1024


@click.command(
    epilog="""\b
Examples:
  facegauge-gateway rtp --listen 127.0.0.1:5004 --payload 96=vp8
  facegauge-gateway rtp --listen 10.0.0.5:5000-5099 --allow-from 10.0.0.0/24 --payload 96=h264 \\
      --stream-id '{port}'
  facegauge-gateway rtp --listen 127.0.0.1:5004 --sdp call.sdp --ssrc 1234=alice/standup --answers -"""
)
@click.option(
    "--listen",
    multiple=True,
    metavar="HOST:PORT",
    default=("127.0.0.1:5004",),
    show_default=True,
    help="Port of RTP and RTCP; HOST:PORT/PORT gives RTCP a port of its own, HOST:FIRST-LAST is a range."
    " Repeatable.",
)
@click.option(
    "--payload",
    "payloads",
    multiple=True,
    metavar="TYPE=CODEC",
    help="Codec of a payload type: h264, vp8, vp9 or av1. Repeatable.",
)
@click.option("--sdp", type=FILE, help="SDP file that names the payload types.")
@click.option(
    "--ssrc",
    "ssrcs",
    multiple=True,
    metavar="SSRC=STREAM/CALL",
    help="Name of a source; where any is given, other sources are refused. Repeatable.",
)
@click.option(
    "--stream-id",
    metavar="TEMPLATE",
    default="{ssrc}",
    show_default=True,
    help="Name of sources without --ssrc, of {ssrc}, {port} and {host}.",
)
@click.option("--call-id", metavar="TEMPLATE", default="", help="Their call, likewise.")
@click.option(
    "--allow-from", multiple=True, metavar="NETWORK", help="Take packets of this network alone. Repeatable."
)
@click.option(
    "--reorder",
    "reorder_s",
    type=click.FloatRange(0, 5),
    default=0.1,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for a missing packet.",
)
@click.option("--max-streams", type=click.IntRange(min=1), default=64, show_default=True)
@coded_options
@shared_options()
def rtp(
    shared: Shared,
    coded: Coded,
    listen: tuple[str, ...],
    payloads: tuple[str, ...],
    sdp: Path | None,
    ssrcs: tuple[str, ...],
    stream_id: str,
    call_id: str,
    allow_from: tuple[str, ...],
    reorder_s: float,
    max_streams: int,
) -> None:
    """Take RTP that a media server forwards (Janus, mediasoup, ...), and have it scored.

    Coded pictures are put together from their packets and forwarded as they are: nothing is decoded here.
    Lost packets cost the pictures that depend on them, and a keyframe is asked for where RTCP finds its way
    back.
    """
    settings = RtpSettings(
        listen=tuple(port for text in listen for port in Listen.parse(text)),
        codecs=_codecs(payloads, sdp),
        names=Names(by_ssrc=_names(ssrcs), stream_id=stream_id, call_id=call_id),
        stream=coded.apply(shared.stream),
        allowed=tuple(parse_network(network, "--allow-from") for network in allow_from),
        insecure=shared.settings.insecure,
        reorder_s=reorder_s,
        pli_interval_s=coded.pli_interval_s,
        idle_timeout_s=coded.idle_timeout_s,
        max_streams=max_streams,
        max_stream_bytes_per_s=coded.max_stream_bytes_per_s,
    )
    asyncio.run(
        serve(
            shared.settings,
            shared.client,
            lambda parts: RtpDoor(settings, parts.client, parts.hub, parts.metrics),
        )
    )


def _codecs(payloads: tuple[str, ...], sdp: Path | None) -> dict[int, Codec]:
    """Read the codecs of --sdp, and of --payload above them; raises BadConfiguration."""
    codecs: dict[int, Codec] = {}
    if sdp is not None:
        try:
            with sdp.open("rb") as file:
                codecs |= read_sdp(file.read(MAX_SDP_BYTES).decode())
        except OSError as error:
            raise BadConfiguration(f"--sdp: cannot read {sdp}: {error.strerror}") from error
        except (BadSdp, UnicodeDecodeError) as error:
            raise BadConfiguration(f"--sdp {sdp}: {error}") from error
    named: dict[int, Codec] = {}
    for text in payloads:
        number, _, name = text.partition("=")
        if not number.isdecimal() or int(number) > 127 or name.upper() not in Codec.__members__:
            known = ", ".join(codec.lower() for codec in Codec)
            raise BadConfiguration(f"--payload wants TYPE=CODEC, 0-127 and one of {known}, not {text!r}")
        codec = Codec(name.upper())
        if named.setdefault(int(number), codec) is not codec:
            raise BadConfiguration(f"--payload {text}: the type has another codec already; name each once")
    return codecs | named


def _names(ssrcs: tuple[str, ...]) -> dict[int, StreamName]:
    """Read the names of --ssrc; raises BadConfiguration."""
    names: dict[int, StreamName] = {}
    for text in ssrcs:
        ssrc, name = parse_ssrc(text)
        if names.setdefault(ssrc, name) != name:
            raise BadConfiguration(f"--ssrc {text}: the source has another name already; name each once")
    return names
