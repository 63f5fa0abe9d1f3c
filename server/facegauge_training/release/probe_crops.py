"""Make the crops that a server probes its precisions with: a face from pristine to ruined.

The face is the NASA portrait of Eileen Collins that scikit-image carries (public domain), at steps of the
ladder, cut as serving cuts.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from facegauge_server.stages.locate import FaceDetector
from facegauge_training.data.clips import make_clip
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH
from facegauge_training.data.degradation_chain import cut, receive
from facegauge_training.data.ladder import LADDER

__all__ = ["make_probe_crops"]

EVERY = 2
"""The portrait is shown at every second step of the ladder."""


def make_probe_crops(out: Path) -> int:
    """Write the crops as one strip, JPEG, and return how many there are."""
    portrait = np.asarray(data.astronaut())
    with FaceDetector() as detector:
        (face,) = detector.detect(portrait)
    rng = np.random.default_rng(1)
    clip = make_clip(portrait, face, rng)
    chains = [chain for steps in LADDER.values() for chain in steps][::EVERY]
    middle = len(clip.frames) // 2
    crops = [
        cut(receive(clip, chain, rng).frames[middle], clip.faces[middle], CROP_WIDTH, CROP_HEIGHT)
        for chain in chains
    ]
    strip = cv2.cvtColor(np.hstack(crops), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(out), strip, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return len(crops)
