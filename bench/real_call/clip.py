"""What the camera sees: a talking head, each frame with its number drawn into a corner, as a y4m file.

The clip runs forwards and then backwards, so that its loop has no cut. The number is a Gray code in black and
white cells, two rows high, the lower row inverted: from one frame to the next a single pair of cells changes,
which costs an encoder little, and the cells outlive a picture of 180 lines in ruins.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_client.demo.call import HEIGHT, WIDTH, Scene

__all__ = ["BITS", "draw_number", "read_number", "write_portrait_clip", "write_video_clip"]

Pixels = npt.NDArray[np.uint8]

BITS = 9
CELL_WIDTH, CELL_HEIGHT = 1 / 32, 1 / 24
"""Of a cell, as shares of the picture."""
LEAST_CONTRAST = 60
"""Codes between the two cells of a bit, below which it is not read."""


def draw_number(picture: Pixels, number: int) -> None:
    """Draw a number below 2 ** BITS into the picture's lower left corner."""
    height, width = picture.shape[:2]
    gray = number ^ (number >> 1)
    for bit in range(BITS):
        left, right = round(bit * CELL_WIDTH * width), round((bit + 1) * CELL_WIDTH * width)
        for row in range(2):
            top = height - round((2 - row) * CELL_HEIGHT * height)
            bottom = height - round((1 - row) * CELL_HEIGHT * height)
            picture[top:bottom, left:right] = 235 if (gray >> bit & 1) != row else 20


def read_number(picture: Pixels) -> int | None:
    """Return the number in a picture of any size, RGB; None where a cell cannot be told."""
    height, width = picture.shape[:2]
    gray = 0
    for bit in range(BITS):
        upper, lower = (_cell(picture, width, height, bit, row) for row in range(2))
        if abs(upper - lower) < LEAST_CONTRAST:
            return None
        gray |= int(upper > lower) << bit
    number = 0
    while gray:
        number ^= gray
        gray >>= 1
    return number


def _cell(picture: Pixels, width: int, height: int, bit: int, row: int) -> float:
    """Return the mean of a cell's middle."""
    left, right = (bit + 0.3) * CELL_WIDTH * width, (bit + 0.7) * CELL_WIDTH * width
    top, bottom = ((part - 2 + row) * CELL_HEIGHT * height + height for part in (0.3, 0.7))
    return float(picture[round(top) : round(bottom) + 1, round(left) : round(right) + 1].mean())


def write_portrait_clip(
    path: Path, *, lines: int, fps: int, seconds: float, pace: float = 1.0
) -> list[Pixels]:
    """Write the demo's portrait, swaying, as y4m of 16:9; return the frames of one loop, RGB.

    At a higher pace it moves more, which costs an encoder bits.
    """
    scene = Scene()

    def draw(number: int) -> Pixels:
        width = round(lines * WIDTH / HEIGHT / 2) * 2
        return np.asarray(
            cv2.resize(scene.at(number * pace / fps), (width, lines), interpolation=cv2.INTER_AREA), np.uint8
        )

    return _write_loop(path, draw, round(fps * seconds / 2) + 1, fps)


def write_video_clip(path: Path, video: Path, *, lines: int, fps: int, seconds: float) -> list[Pixels]:
    """Write the beginning of a video file likewise, at its own shape."""
    pictures: list[Pixels] = []
    with av.open(str(video)) as container:
        rate = float(container.streams.video[0].average_rate or 25)
        for number, frame in enumerate(container.decode(video=0)):
            if number < len(pictures) * rate / fps:
                continue
            width = round(frame.width * lines / frame.height / 2) * 2
            rgb = frame.to_ndarray(format="rgb24", width=width, height=lines, interpolation="AREA")
            pictures.append(np.asarray(rgb, np.uint8))
            if len(pictures) > fps * seconds / 2:
                break
    return _write_loop(path, pictures.__getitem__, len(pictures), fps)


def _write_loop(path: Path, draw: Callable[[int], Pixels], count: int, fps: int) -> list[Pixels]:
    """Write frames there and back again, numbered through; return them as a camera would give them."""
    order = [*range(count), *range(count - 2, 0, -1)]
    if len(order) > 2**BITS:
        raise ValueError(f"a clip of {len(order)} frames is too long to number: {2**BITS} are the most")
    shown: list[Pixels] = []
    with path.open("wb") as file:
        for number, source in enumerate(order):
            picture = draw(source).copy()
            draw_number(picture, number)
            planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
            if not number:
                height, width = picture.shape[:2]
                file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + planes.tobytes())
            shown.append(np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8))
    return shown
