"""Stores read back as crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.store import write_source


def test_a_face_without_crops_is_no_crop(tmp_path: Path) -> None:
    """A refused face stays known, so that a second run leaves it alone, and is never trained on."""
    write_source(tmp_path, "00", "none", [], [])
    write_source(
        tmp_path, "01", "one", [np.zeros((384, 288, 3), np.uint8)], [{"score": 0.5, "labelled_by": "t"}]
    )
    assert len(CropSet([tmp_path])) == 1
