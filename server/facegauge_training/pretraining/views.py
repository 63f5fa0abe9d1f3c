"""Draw views of a photo to learn from, in pairs: one as it is, or nearly, and the same with something wrong.

Two kinds: *patches* of 96x128 px at the photo's own scale, half of them from the face, half from anywhere, so
that backgrounds count; and *crops* of 192x256 px, most of them the face as serving cuts it, the others of
anything. What goes wrong is mild to plain: blur, motion, noise, JPEG, fewer pixels, wrong exposure.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.data.distortions import add_noise, defocus, expose, move_blur

__all__ = ["CROPS", "PATCHES", "ViewKind", "degrade", "draw_pair"]


@dataclass(frozen=True, slots=True)
class ViewKind:
    """What views are like."""

    name: str
    height: int
    width: int
    face_share: float
    """Share of the views that show the face."""
    whole: bool
    """Whether the face is shown whole, as serving crops it, and other regions are resized to fit; else a view
    is a window at the photo's own scale, or at a little less."""


PATCHES = ViewKind("patches", 128, 96, 0.5, whole=False)
CROPS = ViewKind("crops", 256, 192, 0.7, whole=True)
SPOILT_TWICE = 0.3
"""Share of the pairs whose first view has something wrong too."""
MOST_DEFECTS = 3


def draw_pair(picture: Pixels, face: Box, kind: ViewKind, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return two views, uint8 (height, width, 3), of one place of a photo; the second is degraded."""
    view = _region(picture, face, kind, rng) if kind.whole else _window(picture, face, kind, rng)
    first = degrade(view, 1, rng) if rng.random() < SPOILT_TWICE else view
    return first, degrade(view, int(rng.integers(1, MOST_DEFECTS + 1)), rng)


def degrade(view: Pixels, defects: int, rng: np.random.Generator) -> Pixels:
    """Put so many different defects on a view, in the order of a call: light, lens, sensor, pixels, codec."""
    for defect in sorted(rng.choice(6, size=defects, replace=False)):
        if defect == 0:
            (view,) = expose([view], float(rng.uniform(-2.5, 0.8)))
        elif defect == 1:
            (view,) = defocus([view], _between(rng, 0.6, 4.0))
        elif defect == 2:
            (view,) = move_blur([view], _between(rng, 2.0, 12.0), float(rng.uniform(0, np.pi)))
        elif defect == 3:
            (view,) = add_noise([view], _between(rng, 2.0, 25.0), rng, float(rng.choice((0.0, 0.6))))
        elif defect == 4:
            view = _reduce(view, _between(rng, 1.3, 4.0))
        else:
            view = _jpeg(view, round(_between(rng, 8, 80)))
    return view


def _window(picture: Pixels, face: Box, kind: ViewKind, rng: np.random.Generator) -> Pixels:
    """Cut a window at the photo's scale, or reduced by up to 2."""
    scale = float(np.exp(rng.uniform(np.log(0.5), 0.0))) if rng.random() < 0.5 else 1.0
    if scale < 1.0:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    missing = [
        max(0, need - has) for need, has in zip((kind.height, kind.width), picture.shape[:2], strict=True)
    ]
    if any(missing):
        picture = cv2.copyMakeBorder(picture, 0, missing[0], 0, missing[1], cv2.BORDER_REFLECT_101).astype(
            np.uint8
        )
    room = (picture.shape[0] - kind.height, picture.shape[1] - kind.width)
    if rng.random() < kind.face_share:
        middle = rng.uniform((face.y, face.x), (face.y + face.height, face.x + face.width)) * scale
        top, left = (middle - (kind.height / 2, kind.width / 2)).round().astype(int).clip(0, room)
    else:
        top, left = (int(rng.integers(most + 1)) for most in room)
    return np.ascontiguousarray(picture[top : top + kind.height, left : left + kind.width])


def _region(picture: Pixels, face: Box, kind: ViewKind, rng: np.random.Generator) -> Pixels:
    """Cut the face's crop, its box wobbled a little, or a region of any size; resized to the kind's."""
    height, width = picture.shape[:2]
    if rng.random() < kind.face_share:
        dx, dy, ds = rng.normal(0, 0.05, 3).clip(-0.15, 0.15)
        box = Box(
            face.x + (dx - ds / 2) * face.width, face.y + (dy - ds / 2) * face.height,
            face.width * (1 + ds), face.height * (1 + ds),
        )  # fmt: skip
        region = crop_box(box, width, height)
    else:
        most = min(width, height * kind.width / kind.height)
        across = rng.uniform(min(most, kind.width), most)
        down = across * kind.height / kind.width
        region = Box(rng.uniform(0, width - across), rng.uniform(0, max(0.0, height - down)), across, down)
    return crop_region(picture, region, kind.width, kind.height)


def _reduce(view: Pixels, times: float) -> Pixels:
    """Shrink and enlarge again."""
    height, width = view.shape[:2]
    small = cv2.resize(view, (round(width / times), round(height / times)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def _jpeg(view: Pixels, quality: int) -> Pixels:
    coded = cv2.imencode(".jpg", view[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw log-uniformly."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
