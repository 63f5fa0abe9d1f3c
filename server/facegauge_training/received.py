"""One degraded version of a clip, from the lens to the student's crop and its label: what a label *is*.

In the order of a call: exposure, noise, defocus and motion blur at the camera; fewer lines; a codec; the
receiver's display. The label of a received crop is

    label = transport x exposure factor

- *transport*: VMAF/100 at 288x384 of the received crop, shown at 720 lines, against the same crop of the
  pristine clip. When the exposure was changed, the reference is the pristine clip at that same exposure,
  without noise: VMAF calls a dark picture 0 whatever it shows.
- with noise in the chain, transport is the mean of VMAF/100 and of what GMSD allows (`NOISE_ANCHOR`), if that
  is less: VMAF forgives noise (a face drowned in it kept 70 of 100), GMSD alone puts a grainy face that all
  would know below the worst coding. What GMSD allows is the VMAF that crops which are only coded have at the
  same GMSD, measured by `python -m facegauge_training.anchor`.
- *exposure factor* (`exposure_factor`): by the stops of error alone, a stated anchor, not a measurement. The
  first stop down and the first half stop up are free, so that dark and light skin in good light cost nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.clips import LINES, Clip
from facegauge_training.codecs import transcode
from facegauge_training.degrade import add_noise, defocus, expose, move_blur, resize_lines
from facegauge_training.vmaf import VMAF_HEIGHT, VMAF_WIDTH, gmsd, vmaf

__all__ = ["NOISE_ANCHOR", "Chain", "Received", "cut", "exposure_factor", "label", "receive", "transports"]

NOISE_ANCHOR = (
    (0.00, 0.99), (0.02, 0.90), (0.04, 0.80), (0.06, 0.71), (0.08, 0.59), (0.10, 0.49), (0.12, 0.39),
    (0.14, 0.30), (0.16, 0.25), (0.20, 0.15), (0.28, 0.00),
)  # fmt: skip
"""(GMSD, highest transport): medians of VMAF/100 of crops that are only coded; 0.28 is extrapolated."""
EXPOSURE_ANCHOR = (
    (-7.0, 0.0), (-5.0, 0.15), (-4.0, 0.35), (-3.0, 0.60), (-2.0, 0.85), (-1.0, 1.0),
    (0.5, 1.0), (1.0, 0.9), (2.0, 0.55), (3.0, 0.2), (4.0, 0.0),
)  # fmt: skip
"""(stops, factor): at -3 a face is plainly too dark, at -5 a silhouette, at +3 a white mask."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What happens to a clip. The defaults are: nothing."""

    stops: float = 0.0
    noise: float = 0.0
    """Standard deviation, 8-bit codes."""
    grain: float = 0.0
    """Sigma in px of the noise's blur."""
    defocus: float = 0.0
    """Radius, px at 720 lines."""
    motion: float = 0.0
    """Length, px at 720 lines."""
    angle: float = 0.0
    lines: int = LINES
    """Of the received frame."""
    codec: str = ""
    quality: int = 0
    enlarged: bool = False
    """A mixer or recorder before the scorer has already enlarged the received frame to 720 lines."""

    def describe(self) -> dict[str, float | int | str | bool]:
        """Return the fields by name, for a label's row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Received:
    """A clip as the scorer gets it, as the viewer's display shows it, and what it should have been."""

    frames: list[Pixels]
    shown: list[Pixels]
    references: list[Pixels]


def receive(clip: Clip, chain: Chain, rng: np.random.Generator) -> Received:
    """Put a pristine clip of 720 lines through a chain; `rng` draws the noise."""
    frames = references = expose(clip.frames, chain.stops) if chain.stops else clip.frames
    if chain.defocus:
        frames = defocus(frames, chain.defocus)
    if chain.motion:
        frames = move_blur(frames, chain.motion, chain.angle)
    if chain.noise:
        frames = add_noise(frames, chain.noise, rng, chain.grain)
    frames = resize_lines(frames, chain.lines)
    if chain.codec:
        frames = transcode(frames, chain.codec, chain.quality)
    shown = resize_lines(frames, LINES)
    return Received(shown if chain.enlarged else frames, shown, references)


def cut(frame: Pixels, face: Box, width: int, height: int) -> Pixels:
    """Crop a face exactly as serving does; `face` is given at 720 lines, `frame` may have fewer."""
    share = frame.shape[0] / LINES
    box = Box(face.x * share, face.y * share, face.width * share, face.height * share)
    region = crop_box(box, frame.shape[1], frame.shape[0])
    return crop_region(frame, region, width, height, LINES)


def transports(versions: list[Received], faces: list[Box]) -> list[list[tuple[float, float]]]:
    """Return (VMAF/100, GMSD) of every frame but the first and the last of each version of one clip."""
    size = (VMAF_WIDTH, VMAF_HEIGHT)
    shown = [cut(frame, face, *size) for v in versions for frame, face in zip(v.shown, faces, strict=True)]
    whole = [
        cut(frame, face, *size) for v in versions for frame, face in zip(v.references, faces, strict=True)
    ]
    scores = vmaf(shown, whole)
    length = len(faces)
    return [
        [(scores[i] / 100, gmsd(shown[i], whole[i])) for i in range(n * length + 1, (n + 1) * length - 1)]
        for n in range(len(versions))
    ]


def label(chain: Chain, vmaf_share: float, deviation: float) -> float:
    """Return a crop's label, 0-1, from its VMAF/100, its GMSD and what was done to it."""
    transport = vmaf_share
    if chain.noise:
        at, allowed = zip(*NOISE_ANCHOR, strict=True)
        transport = (transport + min(transport, float(np.interp(deviation, at, allowed)))) / 2
    return transport * exposure_factor(chain.stops)


def exposure_factor(stops: float) -> float:
    """Return what is left, 0-1, of a face exposed wrongly by `stops`."""
    at, factor = zip(*EXPOSURE_ANCHOR, strict=True)
    return float(np.interp(stops, at, factor))
