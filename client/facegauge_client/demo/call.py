"""A synthetic call: a moving portrait, encoded with H.264 at a bitrate that collapses and recovers.

The portrait is NASA's of Eileen Collins, in the public domain, from scikit-image's wheel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["ACTS", "HEIGHT", "WIDTH", "Act", "CallFrame", "Scene", "duration_s", "play_call"]

WIDTH, HEIGHT = 1280, 720
FPS = 10
FACE_CENTRE = (0.44, 0.24)
"""Centre of the face in the portrait, as shares of its sides."""
ENLARGED = 1.75
"""Enlargement of the portrait in the call's picture."""
BACKDROP_BLUR_PX = 40


@dataclass(frozen=True, slots=True)
class Act:
    """A part of the call with one encoding."""

    seconds: float
    kbit_per_s: int
    height: int
    """Height of the encoded picture in lines, 16:9."""


ACTS = (
    Act(8, 2000, 720),
    Act(3, 300, 360),
    Act(8, 60, 180),
    Act(3, 300, 360),
    Act(9, 2000, 720),
)


@dataclass(frozen=True, slots=True)
class CallFrame:
    """A frame as the other side of the call decodes it."""

    time_s: float
    frame: av.VideoFrame
    encoded_bits: int


def duration_s(acts: tuple[Act, ...] = ACTS) -> float:
    """Return the length of the call in seconds."""
    return sum(act.seconds for act in acts)


def play_call(acts: tuple[Act, ...] = ACTS) -> Iterator[CallFrame]:
    """Draw, encode and decode the call's frames one by one, 10 a second."""
    scene = Scene()
    number = 0
    for act in acts:
        encoder = _encoder(act)
        decoder = av.CodecContext.create("h264", "r")
        for _ in range(round(act.seconds * FPS)):
            picture = scene.at(number / FPS)
            source = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                encoder.width, encoder.height, format="yuv420p", interpolation=Interpolation.AREA
            )
            source.pts, source.time_base = number, Fraction(1, FPS)
            for packet in encoder.encode(source):
                for frame in decoder.decode(packet):
                    yield CallFrame(number / FPS, frame, packet.size * 8)
            number += 1


def _encoder(act: Act) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101 - libx264 is a video codec
    encoder.width, encoder.height = round(act.height * WIDTH / HEIGHT / 2) * 2, act.height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.bit_rate = act.kbit_per_s * 1000
    rate = f"{act.kbit_per_s}k"
    encoder.options = {"preset": "superfast", "tune": "zerolatency", "maxrate": rate, "bufsize": rate}
    return encoder


class Scene:
    """The portrait, enlarged, before a blurred backdrop of itself, swaying and breathing a little."""

    def __init__(self) -> None:
        portrait = _portrait()
        rows = round(portrait.shape[1] * HEIGHT / WIDTH)
        small = cv2.resize(portrait[:rows], (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), BACKDROP_BLUR_PX / 8)
        self._backdrop = cv2.resize(blurred, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        # Enlarged once and well, so that each frame needs only a cheap warp.
        self._portrait = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)

    def at(self, time_s: float) -> npt.NDArray[np.uint8]:
        """Return the picture at a time: RGB, uint8, (720, 1280, 3)."""
        side = self._portrait.shape[1]
        scale = ENLARGED / 2 * (1 + 0.03 * math.sin(time_s * 0.9))
        centre_x = WIDTH / 2 + 28 * math.sin(time_s * 0.7)
        centre_y = HEIGHT * 0.42 + 10 * math.sin(time_s * 1.1)
        matrix = np.array(
            [
                [scale, 0, centre_x - scale * side * FACE_CENTRE[0]],
                [0, scale, centre_y - scale * side * FACE_CENTRE[1]],
            ]
        )
        picture = np.array(self._backdrop, dtype=np.uint8)
        cv2.warpAffine(
            self._portrait,
            matrix,
            (WIDTH, HEIGHT),
            dst=picture,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
        return picture


def _portrait() -> npt.NDArray[np.uint8]:
    try:
        from skimage import data
    except ImportError as error:
        raise FacegaugeError(
            "the demo takes its portrait from scikit-image: pip install 'facegauge-client[demo]'"
        ) from error
    return np.asarray(data.astronaut(), dtype=np.uint8)
