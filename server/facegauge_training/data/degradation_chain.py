"""One degraded version of a clip, from the lens to the student's crop and its label: what a label *is*.

In the order of a call: exposure, noise, defocus and motion blur at the camera; fewer lines; a codec and lost
packets; the receiver's display. The label of a received crop is

    label = transport x exposure factor

- *transport*: VMAF/100 at 288x384 of the received crop, shown at 720 lines, against the same crop of the
  pristine clip. When the exposure was changed, the reference is the pristine clip at that same exposure,
  without noise: VMAF calls a dark picture 0 whatever it shows.
- with noise in the chain, transport is the mean of VMAF/100 and of what GMSD allows (`NOISE_ANCHOR`), if that
  is less: VMAF forgives noise (a face drowned in it kept 70 of 100), GMSD alone puts a grainy face that all
  would know below the worst coding. What GMSD allows is the VMAF that crops which are only coded have at the
  same GMSD, measured by `facegauge-train noise-anchor`.
- packets that were lost (`concealed`): the mean of VMAF against the one moment that the crop is most like and
  against a patchwork of the moments that its parts are from.
- *exposure factor* (`exposure_factor`): by the stops of error, a stated anchor, not a measurement. The
  first stop down and the first half stop up are free, so that dark and light skin in good light cost nothing.
  Upwards it is the mean of the anchor and of the detail that did not clip, where that was measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.data.call_codecs import transcode_at_rate, transcode_with_loss
from facegauge_training.data.camera import add_sensor_noise, denoise, sharpen, smooth_skin
from facegauge_training.data.clips import LINES, Clip
from facegauge_training.data.codecs import transcode
from facegauge_training.data.distortions import add_noise, defocus, expose, move_blur, resize_lines
from facegauge_training.data.full_reference import VMAF_HEIGHT, VMAF_WIDTH, gmsd, vmaf

__all__ = [
    "NOISE_ANCHOR",
    "Chain",
    "Received",
    "cut",
    "exposure_factor",
    "label",
    "order_key",
    "receive",
    "transports",
]

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


LEAST_KBPS = 15
MOST_LATE = 3
"""Frames that concealment may show an earlier picture for."""


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
    """Lines of the received frame."""
    codec: str = ""
    quality: int = 0
    loss: float = 0.0
    """Share of the packets that are lost; x264 alone."""
    recording: bool = False
    """Whether x264 coded it as for a file, looking ahead."""
    enlarged: bool = False
    """A mixer or recorder before the scorer has already enlarged the received frame to 720 lines."""
    kbps: int = 0
    """Constant bit rate of a call's encoder (x264, VP8), in place of `quality`; 0 for none. It is the rate at
    720 lines: fewer get less, by lines to the power of 1.5, or they would be coded finer."""
    loss_kind: str = ""
    """One of `call_codecs.LOSS_KINDS`; without it, slices of x264 that `rng` draws."""
    draw: int = 0
    """Seed of which packets are lost, where `loss_kind` is set."""
    webcam: bool = False
    """Whether the noise is a small sensor's: strongest in the shadows, blotchy in chroma."""
    denoise: float = 0.0
    """Strength of the camera's own denoising, 8-bit codes."""
    sharpen: float = 0.0
    """Amount of the camera's or sender's sharpening."""
    beauty: float = 0.0
    """Strength, 0-1, of a filter that smooths skin; the sender chose it, so the reference has it too."""

    def describe(self) -> dict[str, float | int | str | bool]:
        """Return the fields by name, for a label's row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Received:
    """A clip as the scorer gets it, as the viewer's display shows it, and what it should have been."""

    frames: list[Pixels]
    shown: list[Pixels]
    references: list[Pixels]
    concealed: bool = False
    """Whether packets were lost: the decoder then shows parts of earlier frames, late, but not worse."""


def receive(clip: Clip, chain: Chain, rng: np.random.Generator) -> Received:
    """Put a pristine clip of 720 lines through a chain; `rng` draws the noise."""
    frames = references = smooth_skin(clip.frames, chain.beauty) if chain.beauty else clip.frames
    if chain.stops:
        frames = references = expose(frames, chain.stops)
    if chain.defocus:
        frames = defocus(frames, chain.defocus)
    if chain.motion:
        frames = move_blur(frames, chain.motion, chain.angle)
    if chain.noise and chain.webcam:
        frames = add_sensor_noise(frames, chain.noise, rng)
    elif chain.noise:
        frames = add_noise(frames, chain.noise, rng, chain.grain)
    if chain.denoise:
        frames = denoise(frames, chain.denoise)
    if chain.sharpen:
        frames = sharpen(frames, chain.sharpen)
    frames = resize_lines(frames, chain.lines)
    if chain.loss_kind:
        frames = transcode_with_loss(
            frames, chain.codec, chain.quality, chain.loss, chain.loss_kind, chain.draw
        )
    elif chain.kbps:
        frames = transcode_at_rate(frames, chain.codec, _rate(chain))
    elif chain.codec:
        frames = transcode(frames, chain.codec, chain.quality, chain.loss, rng, chain.recording)
    shown = resize_lines(frames, LINES)
    return Received(shown if chain.enlarged else frames, shown, references, concealed=chain.loss > 0)


def _rate(chain: Chain) -> int:
    return max(LEAST_KBPS, round(chain.kbps * (chain.lines / LINES) ** 1.5))


def cut(frame: Pixels, face: Box, width: int, height: int) -> Pixels:
    """Crop a face exactly as serving does; `face` is given at 720 lines, `frame` may have fewer."""
    share = frame.shape[0] / LINES
    box = Box(face.x * share, face.y * share, face.width * share, face.height * share)
    region = crop_box(box, frame.shape[1], frame.shape[0])
    return crop_region(frame, region, width, height, LINES)


def transports(versions: list[Received], faces: list[Box]) -> list[list[tuple[float, float]]]:
    """Return (VMAF/100, GMSD) of every frame but the first and the last of each version of one clip.

    A concealed version counts as what it is most like: its references in time, or up to `MOST_LATE` frames
    late. A scorer that sees one frame cannot know that it should have been the next.
    """
    runs = [(n, late) for n, v in enumerate(versions) for late in range(MOST_LATE + 1 if v.concealed else 1)]
    shown, whole = [], []
    for n, late in runs:
        for t, face in enumerate(faces):
            shown.append(cut(versions[n].shown[t], face, VMAF_WIDTH, VMAF_HEIGHT))
            whole.append(cut(versions[n].references[max(0, t - late)], face, VMAF_WIDTH, VMAF_HEIGHT))
    scores = vmaf(shown, whole)
    length = len(faces)
    best: list[list[tuple[float, float]]] = [[] for _ in versions]
    for at, (n, _) in enumerate(runs):
        frames = range(at * length + 1, (at + 1) * length - 1)
        measured = [(scores[i] / 100, gmsd(shown[i], whole[i])) for i in frames]
        best[n] = [max(pair) for pair in zip(best[n] or measured, measured, strict=True)]
    return best


def label(chain: Chain, vmaf_share: float, deviation: float, highlights: float | None = None) -> float:
    """Return a crop's label, 0-1, from its VMAF/100 (unclipped), its GMSD and what was done to it.

    `highlights` is the VMAF/100 that clipping alone leaves an overexposed crop, where it was measured.
    """
    transport = min(max(vmaf_share, 0.0), 1.0)
    if chain.noise:
        transport = (transport + min(transport, gmsd_opinion(deviation))) / 2
    return transport * exposure_factor(chain.stops, highlights)


def order_key(chain: Chain, vmaf_share: float, deviation: float, highlights: float | None = None) -> float:
    """Return what versions of one face are ordered by, higher is better; comparable within a face alone.

    The label, with what VMAF says below its 0 and a little of what GMSD says: where VMAF has run out (a face
    of 60 px at CRF 43 and at CRF 51) there still is a worse.
    """
    beyond = min(vmaf_share, 0.0) + 0.1 * gmsd_opinion(deviation)
    at_best = exposure_factor(chain.stops, highlights)
    return label(chain, vmaf_share, deviation, highlights) + beyond * at_best


def gmsd_opinion(deviation: float) -> float:
    """Return the VMAF/100 that a crop which is only coded has at a GMSD."""
    at, allowed = zip(*NOISE_ANCHOR, strict=True)
    return float(np.interp(deviation, at, allowed))


def exposure_factor(stops: float, highlights: float | None = None) -> float:
    """Return what is left, 0-1, of a face exposed wrongly by `stops`.

    Too bright, the detail that clipped is lost, and how much that is depends on the face: where `highlights`
    was measured (see `overexposure`), the factor is the mean of it and of the anchor by stops. Alone it would
    be harsher than a person is: a background that clips counts as much as a cheek.
    """
    at, factor = zip(*EXPOSURE_ANCHOR, strict=True)
    anchored = float(np.interp(stops, at, factor))
    if stops > 0 and highlights is not None:
        return (anchored + min(anchored, max(highlights, 0.0))) / 2
    return anchored
