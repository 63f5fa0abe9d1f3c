"""Give photos what is no defect: glasses, masks, hands, virtual backgrounds, soft skin.

All of it is put on the photo before it is filmed, so the reference has it too and the label is as without.
The occluders are simple shapes with shading, drawn by the face's box alone; they are there so that a covered
or cut-out face is not taken for a bad one, and nobody would take them for real.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Box, Pixels
from facegauge_training.data.camera import smooth_skin

__all__ = ["VARIETIES", "vary"]

VARIETIES = ("glasses", "mask", "hand", "virtual_background", "soft_skin")
SUPERSAMPLED = 4
"""Shapes are drawn at so many times the size and reduced, for edges as smooth as a photo's."""

Mask = npt.NDArray[np.float32]


def vary(picture: Pixels, face: Box, kind: str, rng: np.random.Generator) -> Pixels:
    """Return the photo with one of `VARIETIES`.

    Args:
        picture: RGB, uint8, (height, width, 3).
        face: the detector's box in it, brow to chin, pixels.
        kind: of variety.
        rng: draws colours, sizes and places.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "glasses":
        return _glasses(picture, face, rng)
    if kind == "mask":
        return _mask(picture, face, rng)
    if kind == "hand":
        return _hand(picture, face, rng)
    if kind == "virtual_background":
        return _virtual_background(picture, face, rng)
    if kind == "soft_skin":
        return smooth_skin([picture], float(rng.uniform(0.3, 0.9)))[0]
    raise ValueError(f"{kind!r} is no variety: they are {', '.join(VARIETIES)}")


def _glasses(picture: Pixels, face: Box, rng: np.random.Generator) -> Pixels:
    """Draw two rims, a bridge and a faint tint, with eyes supposed at a quarter of the box's height."""
    y = face.y + face.height * rng.uniform(0.2, 0.28)
    radius = face.width * rng.uniform(0.15, 0.19)
    thick = face.width * rng.uniform(0.012, 0.035)
    oval = (radius, radius * rng.uniform(0.7, 0.95))
    rims, lenses = _canvas(picture), _canvas(picture)
    for side in (-1, 1):
        center = (face.x + face.width * (0.5 + side * 0.23), y)
        cv2.ellipse(lenses, _at(center), _at(oval), 0, 0, 360, 1.0, -1)
        cv2.ellipse(rims, _at(center), _at(oval), 0, 0, 360, 1.0, max(2, int(thick * SUPERSAMPLED)))
        hinge = (face.x + face.width * (0.5 + side * 0.23) + side * oval[0], y - 0.2 * oval[1])
        ear = (face.x + face.width * (0.5 + side * 0.56), y - 0.1 * oval[1])
        cv2.line(rims, _at(hinge), _at(ear), 1.0, max(2, int(thick * SUPERSAMPLED)))
    bridge = 0.23 * face.width - oval[0]
    ends = [(face.x + face.width / 2 + side * bridge, y - 0.2 * oval[1]) for side in (-1, 1)]
    cv2.line(rims, _at(ends[0]), _at(ends[1]), 1.0, max(2, int(thick * SUPERSAMPLED)))
    tint = float(rng.choice((0.0, 0.08, 0.75), p=(0.5, 0.3, 0.2)))  # clear, coated, sunglasses
    dark = np.full_like(picture, 25, np.float32)
    tinted = _blend(picture, dark, _reduced(lenses, picture) * tint)
    frame_color = np.full_like(picture, 0, np.float32) + rng.uniform(15, 110, 3).astype(np.float32)
    return _blend(tinted, frame_color, _reduced(rims, picture))


def _mask(picture: Pixels, face: Box, rng: np.random.Generator) -> Pixels:
    """Draw a cloth over nose, mouth and chin, with pleats and ear loops."""
    top, bottom = face.y + face.height * rng.uniform(0.42, 0.52), face.y + face.height * 1.05
    left, right = face.x + face.width * 0.08, face.x + face.width * 0.92
    middle = (left + right) / 2
    up, aside = 0.05 * face.height, 0.06 * face.width
    corner = bottom - 0.18 * face.height
    outline = [
        (left, top + up), (middle, top - up), (right, top + up),
        (right - aside, corner), (middle, bottom), (left + aside, corner),
    ]  # fmt: skip
    shape = _canvas(picture)
    cv2.fillPoly(shape, [np.array([_at(point) for point in outline], np.int32)], 1.0)
    for side, end in ((-1, left), (1, right)):
        ear = (face.x + face.width * (0.5 + side * 0.55), face.y + face.height * 0.35)
        cv2.line(shape, _at((end, top + 0.07 * face.height)), _at(ear), 1.0, int(0.012 * face.width * 4) + 1)
    color = np.array(
        [(235, 238, 240), (150, 190, 215), (40, 42, 48), (190, 205, 190)][int(rng.integers(4))], np.float32
    )
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    round_ = 1 - 0.35 * np.clip(np.abs(x - middle) / (right - left) * 2, 0, 1) ** 2
    pleats = 1 - 0.08 * (np.sin((y - top) / (bottom - top) * 6 * np.pi) > 0.75)
    weave = 1 + 0.025 * rng.standard_normal(y.shape).astype(np.float32)
    cloth = color * (round_ * pleats * weave)[:, :, None]
    return _blend(picture, cloth, _softened(_reduced(shape, picture), 0.6))


def _hand(picture: Pixels, face: Box, rng: np.random.Generator) -> Pixels:
    """Lay some fingers of the face's own colour, shaded at their edges, from one side over cheek or chin."""
    side = int(rng.choice((-1, 1)))
    y0 = face.y + face.height * rng.uniform(0.55, 0.8)
    cheek = picture[_rows(face, 0.5, 0.7), _columns(face, 0.3, 0.7)]
    color = (np.median(cheek.reshape(-1, 3), axis=0) if cheek.size else np.full(3, 140.0)).astype(np.float32)
    thick = face.width * rng.uniform(0.11, 0.15)
    result = picture
    tilt = rng.uniform(-0.25, 0.25)
    for finger in range(int(rng.integers(2, 5))):
        reach = face.width * rng.uniform(0.45, 0.75)
        start = (face.x + face.width * (0.5 + side * 0.75), y0 + finger * thick * 1.05)
        end = (start[0] - side * reach, start[1] - tilt * reach)
        shape = _canvas(picture)
        cv2.line(shape, _at(start), _at(end), 1.0, int(thick * SUPERSAMPLED))
        cover = _reduced(shape, picture)
        depth = np.clip(cv2.GaussianBlur(cover, (0, 0), thick / 4), 0, 1)
        shade = 0.55 + 0.5 * depth + 0.02 * rng.standard_normal(depth.shape).astype(np.float32)
        skin = color * shade[:, :, None]
        result = _blend(result, skin, cover)
    return result


def _virtual_background(picture: Pixels, face: Box, rng: np.random.Generator) -> Pixels:
    """Put a drawn room or a blurred picture behind head and shoulders, with a hard matte."""
    person = _canvas(picture)
    center = (face.x + face.width / 2, face.y + face.height * 0.45)
    head = (face.width * rng.uniform(0.68, 0.8), face.height * rng.uniform(0.85, 0.98))
    cv2.ellipse(person, _at(center), _at(head), 0, 0, 360, 1.0, -1)
    base = picture.shape[0] + face.height
    shoulders = [
        (center[0] + across * face.width, min(base, face.y + down * face.height))
        for across, down in ((-0.35, 1.0), (0.35, 1.0), (1.4, 1.55), (1.6, 99), (-1.6, 99), (-1.4, 1.55))
    ]
    cv2.fillPoly(person, [np.array([_at(point) for point in shoulders], np.int32)], 1.0)
    matte = _softened(_reduced(person, picture), float(rng.uniform(0.6, 2.5)))
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        behind = cv2.GaussianBlur(picture, (0, 0), max(2.0, face.width * rng.uniform(0.05, 0.12)))
    else:
        corners = rng.uniform(30, 230, (2, 2, 3)).astype(np.float32)
        behind = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
        for _ in range(int(rng.integers(2, 7))):  # shelves, frames, windows
            x, y = int(rng.integers(width)), int(rng.integers(height))
            size = (int(rng.integers(width // 8, width // 2)), int(rng.integers(height // 12, height // 3)))
            cv2.rectangle(
                behind,
                (x, y),
                (x + size[0], y + size[1]),
                tuple(float(v) for v in rng.uniform(20, 240, 3)),
                -1,
            )
        behind = cv2.GaussianBlur(behind, (0, 0), float(rng.uniform(0.7, 4.0)))
    return _blend(np.asarray(behind, np.float32), picture.astype(np.float32), matte)


def _rows(face: Box, start: float, end: float) -> slice:
    return slice(max(0, int(face.y + start * face.height)), max(0, int(face.y + end * face.height)))


def _columns(face: Box, start: float, end: float) -> slice:
    return slice(max(0, int(face.x + start * face.width)), max(0, int(face.x + end * face.width)))


def _canvas(picture: Pixels) -> Mask:
    return np.zeros((picture.shape[0] * SUPERSAMPLED, picture.shape[1] * SUPERSAMPLED), np.float32)


def _at(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0] * SUPERSAMPLED), round(point[1] * SUPERSAMPLED)


def _reduced(canvas: Mask, picture: Pixels) -> Mask:
    return np.asarray(cv2.resize(canvas, picture.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)


def _softened(mask: Mask, sigma: float) -> Mask:
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32)


def _blend(below: npt.NDArray[np.uint8] | Mask, above: Mask, cover: Mask) -> Pixels:
    """Lay `above` (h, w, 3) over `below` where `cover` (h, w), 0-1, says so."""
    mixed = below + (above - below) * cover[:, :, None]
    return (mixed + 0.5).clip(0, 255).astype(np.uint8)
