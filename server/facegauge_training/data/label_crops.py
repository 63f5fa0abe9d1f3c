"""Label crops of the train split: every sharp face through chains drawn in the order of a call.

Each round takes every face through another `CHAINS` chains and keeps two crops of each. Resumes after a kill;
a second run of a round finds everything there. 0.2 s a chain on one core.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.data.codecs import CODECS
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.sources import Source
from facegauge_training.data.store import fill_store

__all__ = ["draw_chain", "draw_chains", "label_faces", "train_stores"]

CHAINS = 11
TAKES, MOST_TAKES = 2, 5
"""Crops of each chain, from different frames, and how many there may be: more cost next to nothing, and
differ by little but the box and the codec's moment."""
FAR_SHARE = 0.25
"""Share of the photos that are filmed from far away."""
SWEPT_SHARE = 0.5
"""Share of the photos that go through one codec at rising rates, all else equal, which teaches the order."""
LOSSY_SHARE = 0.1
"""Share of the calls coded with x264 that lose packets."""
RECORDED_SHARE = 0.5
"""Share of those without loss that come from a recording."""


def train_stores(cache: Path) -> list[Path]:
    """Return the folders of all rounds below the cache, and that of crops with causes (`cause_labels`)."""
    return [*sorted(cache.glob("train-1-round-*")), *cache.glob("causes-1")]


def label_faces(
    cache: Path, sources: list[Source], round_: int, workers: int, takes: int = TAKES
) -> tuple[Path, int]:
    """Label crops of photos for a round; return the store and how many photos were labelled now."""
    folder = cache / f"train-1-round-{round_}"
    done = fill_store(
        folder, sources, draw_chains, 1000 + round_, takes, jitter=True, workers=workers, far_share=FAR_SHARE
    )
    return folder, done


def draw_chains(rng: np.random.Generator) -> list[Chain]:
    """Return the untouched chain and others: at random, or one codec at rising rates."""
    if rng.random() >= SWEPT_SHARE:
        return [Chain(), *(draw_chain(rng) for _ in range(CHAINS - 1))]
    codec = str(rng.choice(("x264", "vp8", "vp9", "av1"), p=(0.52, 0.16, 0.16, 0.16)))
    best, worst = CODECS[codec][1:]
    mildest = rng.choice((0.0, 0.5))  # where faces are ruined, one step differs least from the next
    steps = mildest + (1 - mildest) * (np.arange(CHAINS - 1) + rng.random(CHAINS - 1)) / (CHAINS - 1)
    lines = int(rng.choice((720, 360), p=(0.8, 0.2)))
    recording = codec == "x264" and bool(rng.random() < RECORDED_SHARE)
    swept = (
        Chain(lines=lines, codec=codec, quality=round(best + (worst - best) * step), recording=recording)
        for step in steps
    )
    return [Chain(), *swept]


def draw_chain(rng: np.random.Generator) -> Chain:
    """Draw what happens to a clip between the lens and the display."""
    camera = rng.random() < 0.6  # else the camera is fine and only the link harms: a call's commonest case
    dark, noisy = camera and rng.random() < 0.25, camera and rng.random() < 0.25
    glaring = camera and not dark and rng.random() < 0.1
    stops = -rng.uniform(0.5, 5.0) if dark else rng.uniform(0.3, 2.5) if glaring else 0.0
    if dark and rng.random() < 0.4:
        noisy = True  # a camera in the dark turns its gain up
    optics = rng.random() if camera else 1.0
    lines = int(rng.choice((720, 540, 360, 270, 180), p=(0.55, 0.12, 0.15, 0.09, 0.09)))
    codec = str(rng.choice(("", "x264", "vp8", "vp9", "av1"), p=(0.15, 0.4, 0.15, 0.17, 0.13)))
    quality = 0
    if codec:
        best, worst = CODECS[codec][1:]
        quality = round(best + (worst - best) * rng.random() ** 0.8)  # the harsh end a little more often
    loss = _between(rng, 0.03, 0.5, 3) if codec == "x264" and rng.random() < LOSSY_SHARE else 0.0
    recording = codec == "x264" and not loss and rng.random() < RECORDED_SHARE
    grainy = noisy and rng.random() < 0.7
    return Chain(
        stops=round(stops, 2),
        noise=_between(rng, 2.0, 40.0, 1) if noisy else 0.0,
        grain=round(rng.uniform(0.4, 1.0), 2) if grainy else 0.0,
        defocus=_between(rng, 0.6, 8.0, 2) if optics < 0.33 else 0.0,
        motion=_between(rng, 2.0, 24.0, 2) if 0.33 <= optics < 0.5 else 0.0,
        angle=round(rng.uniform(0, np.pi), 2),
        lines=lines,
        codec=codec,
        quality=quality,
        loss=loss,
        recording=recording,
        enlarged=bool(lines < 720 and rng.random() < 0.3),
    )


def _between(rng: np.random.Generator, low: float, high: float, digits: int) -> float:
    """Draw log-uniformly."""
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), digits)
