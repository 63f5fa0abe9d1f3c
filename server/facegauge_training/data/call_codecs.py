"""Code a clip as a call does: at a bit rate, and with packets that get lost.

**Rate.** x264 (veryfast, zerolatency) and VP8 (real-time) hold a constant bit rate with a buffer of half a
second. The rate control needs time to settle, so `WARM_UP` frames, the clip to and fro, go before the clip.

**Loss.** Which packets are lost depends on `draw` alone, so that the same parts of the picture are hit at
another quality or size. Three kinds:

- `slices`: x264 cuts every frame into `SLICES` slices, one a packet; FFmpeg's decoder conceals what is lost.
- `frames`: whole frames are lost and the decoder goes on with the references it has, so that what moves
  smears; recorders and mixers that do not wait for a keyframe show this.
- `freeze`: the receiver holds its last whole picture, asks for a keyframe (PLI, RFC 4585) and gets it
  `ROUND_TRIP` frames later. Each single picture is as good as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.codecs import decode, encode, nal_units

if TYPE_CHECKING:
    import av

__all__ = ["LOSS_KINDS", "RATED", "TRANSPARENT", "transcode_at_rate", "transcode_with_loss"]

RATED = ("x264", "vp8")
"""Codecs that `transcode_at_rate` has the settings of a call for."""
TRANSPARENT = {"x264": 10, "vp8": 2}
"""Quality numbers at which nothing of coding is seen: packets can be lost all the same."""
LOSS_KINDS = ("slices", "frames", "freeze")
VP8_SPEED = "-6"
"""WebRTC's setting on a desktop. Above 0 libvpx would trade quality for time as the machine's load demands,
and labels would not come out the same twice."""
WARM_UP = 12
"""Frames."""
SLICES = 8
"""Slices of a frame; each spans the width."""
ROUND_TRIP = 3
"""Frames, 120 ms, from a lost frame to the keyframe that was asked for."""
PLAIN_SLICE = 1
"""Type of the NAL units of H.264 that hold predicted slices."""


def transcode_at_rate(frames: list[Pixels], codec: str, kbps: int) -> list[Pixels]:
    """Encode and decode a clip at a constant bit rate, as in the middle of a call.

    Args:
        frames: RGB, uint8, (height, width, 3), even sides, 25 a second.
        codec: one of `RATED`.
        kbps: kilobits a second.

    Raises:
        RecipeError: the encoder is missing, or left frames out.
    """
    to_and_fro = [*range(len(frames)), *range(len(frames) - 2, 0, -1)] or [0]
    lead = [frames[to_and_fro[-n % len(to_and_fro)]] for n in range(WARM_UP, 0, -1)]
    packets, extradata = encode([*lead, *frames], codec, _rate_options(codec, kbps), kbps * 1000)
    return _every_frame(decode(packets, codec, extradata), len(lead) + len(frames))[len(lead) :]


def transcode_with_loss(
    frames: list[Pixels], codec: str, quality: int, loss: float, kind: str, draw: int
) -> list[Pixels]:
    """Encode a clip, lose packets after the first frame, and decode what is left.

    Args:
        frames: RGB, uint8, (height, width, 3), even sides.
        codec: "x264", or "vp8" for other kinds than slices.
        quality: CRF of x264, quantiser of VP8.
        loss: share of the packets that are lost.
        kind: one of `LOSS_KINDS`.
        draw: seed of which packets are lost.

    Returns:
        As many frames as went in; where none arrived the last one stays.

    Raises:
        RecipeError: the encoder is missing.
        ValueError: the kind does not exist for this codec.
    """
    if kind not in LOSS_KINDS or codec not in RATED or (kind == "slices" and codec != "x264"):
        raise ValueError(f"no loss of kind {kind!r} with {codec!r}: kinds are {', '.join(LOSS_KINDS)}")
    lost = np.random.default_rng(draw).random((len(frames), SLICES)) < loss  # frame by slice
    lost[0] = False
    whole = lost[:, 0]
    keyframes: frozenset[int] = frozenset()
    if kind == "freeze":
        first = int(np.argmax(whole)) if whole.any() else len(frames) // 2
        keyframes = frozenset({first + ROUND_TRIP})
        whole = (np.arange(len(frames)) >= first) & (np.arange(len(frames)) < first + ROUND_TRIP)
    packets, extradata = encode(
        frames, codec, _quality_options(codec, quality), 20_000_000 if codec == "vp8" else 0, keyframes
    )
    if kind == "slices":
        arrived = [_without_slices(packet, lost[t]) for t, packet in enumerate(packets)]
    else:
        arrived = [packet for t, packet in enumerate(packets) if not whole[t]]
    return _every_frame(decode(arrived, codec, extradata), len(frames))


def _every_frame(decoded: list[tuple[int, Pixels]], count: int) -> list[Pixels]:
    """Return frame 0 to `count`; one that never came shows the one before it."""
    by_number = dict(decoded)
    if 0 not in by_number:
        raise RecipeError("the decoder gave no first frame back: this PyAV cannot be used for labels.")
    shown = [by_number[0]]
    for t in range(1, count):
        shown.append(by_number.get(t, shown[-1]))
    return shown


def _without_slices(packet: av.Packet[Any], lost: npt.NDArray[np.bool_]) -> av.Packet[Any]:
    """Return a frame's packet without its lost slices; one slice always arrives."""
    kept, n = [], 0
    for unit in nal_units(bytes(packet)):
        if unit[0] & 31 == PLAIN_SLICE:
            n += 1
            if lost[n - 1] and not (lost.all() and n == 1):
                continue
        kept.append(unit)
    partial = type(packet)(b"".join(b"\x00\x00\x00\x01" + unit for unit in kept))
    partial.pts, partial.dts, partial.time_base = packet.pts, packet.dts, packet.time_base
    return partial


def _rate_options(codec: str, kbps: int) -> dict[str, str]:
    buffer = {"maxrate": f"{kbps}k", "bufsize": f"{max(kbps // 2, 1)}k"}
    if codec == "x264":
        return {"preset": "veryfast", "tune": "zerolatency", "g": "3000", **buffer}
    return {
        "deadline": "realtime", "cpu-used": VP8_SPEED, "lag-in-frames": "0", "minrate": f"{kbps}k",
        "qmin": "4", "qmax": "63", "error-resilient": "1", "g": "3000", **buffer,
    }  # fmt: skip


def _quality_options(codec: str, quality: int) -> dict[str, str]:
    if codec == "x264":
        settings = {"preset": "veryfast", "tune": "zerolatency", "crf": str(quality), "forced-idr": "1"}
        return settings | {"x264-params": f"slices={SLICES}:sliced-threads=0"}
    number = str(quality)
    return {
        "deadline": "realtime", "cpu-used": VP8_SPEED, "lag-in-frames": "0", "error-resilient": "1",
        "qmin": number, "qmax": number,
    }  # fmt: skip
