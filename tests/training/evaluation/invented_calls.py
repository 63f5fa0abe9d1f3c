"""Calls that get worse, of nobody: crops of noise with a known truth, as `call-clips` stores them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.data.call_clips import CROPS_A_SECOND, FALL, FPS
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.store import write_source

__all__ = ["TRUTH", "invent_calls"]

TRUTH = tuple(np.linspace(0.95, 0.15, len(FALL)).round(3).tolist())
"""By second."""


def invent_calls(folder: Path, videos: int, soft: int = 0) -> None:
    """Fill a store with a call of each of some videos and codecs; the last `soft` ones have a soft face."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for video in range(videos):
        contrast = 4 if video >= videos - soft else 120
        for codec in ("x264", "vp8"):
            rows, crops = [], []
            about = {"video": f"{video}.mp4", "own_face_height": 200.0, "face_height": 210.0, "gmsd": 0.05}
            for second, ((lines, kbps), truth) in enumerate(zip(FALL, TRUTH, strict=True)):
                call = Chain(codec=codec, kbps=kbps, lines=lines)
                seen = [(call, t) for t in range(1, FPS, FPS // CROPS_A_SECOND)]
                for chain, t in seen if second else [(Chain(), 1), *seen]:
                    place = {"frame": t, "second": second, "at_s": second + t / FPS, "second_vmaf": truth}
                    vmaf = truth if chain == call else 0.99
                    rows.append({**chain.describe(), **about, **place, "vmaf": vmaf})
                    crops.append(rng.integers(0, contrast, (384, 288, 3)).astype(np.uint8))
            write_source(folder, f"{video:04d}aa-{codec}", f"invented/{video}", crops, rows)
