"""Make the runbook's pictures of causes:  uv run --group dev python -m dashboards.cause_pictures [FOLDER].

Causes of the picture are put into a filmed person by real codecs and by the training's models of cameras;
black and covered pictures are those of `bench.faults`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.fault_clips import TimedPicture, faulty
from dashboards.cause_pictures.layout import around, column, row, small_jpeg, whole
from dashboards.cause_pictures.scene import film, room
from facegauge_server.kinds import CauseKind
from facegauge_server.types import Pixels
from facegauge_training.data.clips import Clip
from facegauge_training.data.degradation_chain import Chain, receive

__all__ = ["COMMITTED", "make_pictures"]

COMMITTED = Path(__file__).parents[1] / "causes"
SEED = 1
FPS = 24
AT_EDGE_PX = 5.0
FAR_PX = 20.0

CHAINS = {
    CauseKind.COMPRESSION: {"H.264, quantiser 44": Chain(codec="x264", quality=44)},
    CauseKind.RESOLUTION: {"144 lines": Chain(lines=144)},
    CauseKind.BLUR: {"out of focus": Chain(defocus=4.0), "moved": Chain(motion=18.0, angle=0.5)},
    CauseKind.NOISE: {"in poor light": Chain(noise=18, webcam=True)},
    CauseKind.EXPOSURE: {"-3.5 stops": Chain(stops=-3.5), "+2.5 stops": Chain(stops=2.5)},
    CauseKind.LOSS: {
        "after packets were lost": Chain(codec="x264", quality=24, loss_kind="frames", loss=0.6, draw=1)
    },
}
"""What is done to the clip for each cause of the picture, by its caption."""


def make_pictures(folder: Path) -> None:
    """Write a small JPEG for each cause into the folder."""
    folder.mkdir(exist_ok=True)
    near = film()
    pictures = {cause: _impaired(near, chains) for cause, chains in CHAINS.items()}
    pictures |= {
        CauseKind.FREEZE: _frozen(near),
        CauseKind.LOW_FRAME_RATE: _slow(near),
        CauseKind.BLACK: _beside(near, "black", _with_fault(near, "black")),
        CauseKind.COVERED: _beside(near, "a finger on the lens", _with_fault(near, "covered")),
        CauseKind.NO_FACE: _beside(near, "nobody", room()),
        CauseKind.FACE_CUT_OFF: _beside(near, "at the edge", film(center=AT_EDGE_PX, count=1).frames[0]),
        CauseKind.FACE_TOO_SMALL: _beside(
            near, f"a face of {FAR_PX:g} px", film(face_px=FAR_PX, count=1).frames[0]
        ),
    }
    for cause, picture in pictures.items():
        (folder / f"{cause}.jpg").write_bytes(small_jpeg(picture))


def _impaired(clip: Clip, chains: dict[str, Chain]) -> Pixels:
    """Put a face as it was filmed beside what is left of it, at the display's own pixels."""
    frame, face = clip.frames[-1], clip.faces[-1]
    tiles = [("as filmed", around(frame, face))]
    for caption, chain in chains.items():
        shown = receive(clip, chain, np.random.default_rng(SEED)).shown[-1]
        tiles.append((caption, around(shown, face)))
    return row(tiles)


def _beside(clip: Clip, caption: str, faulty_frame: Pixels) -> Pixels:
    return row([("as it should be", whole(clip.frames[0])), (caption, whole(faulty_frame))])


def _with_fault(clip: Clip, fault: str) -> Pixels:
    """Return a picture of the clip with one of the faults that `bench.faults` puts in."""
    first = [TimedPicture(0.0, clip.frames[0])]
    return list(faulty(first, fault, clip.faces[0], room(), FPS, (0, 1 / FPS, 0)))[-1].pixels


def _frozen(clip: Clip) -> Pixels:
    """Put a stream that moves over one that stands."""
    tiles = [whole(frame, 130) for frame in clip.frames[::3]]
    live = row([(f"live, {number} s", tile) for number, tile in enumerate(tiles)])
    return column(live, row([(f"frozen, {number} s", tiles[0]) for number in range(len(tiles))]))


def _slow(clip: Clip) -> Pixels:
    """Put all pictures of a moment over the few that came."""
    tiles = [whole(frame, 96) for frame in clip.frames[:6]]
    none = np.full_like(tiles[0], 235)
    few = [tile if number % 3 == 0 else none for number, tile in enumerate(tiles)]
    return column(_strip(f"{FPS} a second", tiles), _strip(f"{FPS // 3} a second", few))


def _strip(caption: str, tiles: Sequence[Pixels]) -> Pixels:
    return row([(caption if number == 0 else "", tile) for number, tile in enumerate(tiles)])


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else COMMITTED)
