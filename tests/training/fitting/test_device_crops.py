"""Crops that stay on a device: batches are those crops, cut and mirrored there."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.store import write_source
from facegauge_training.fitting.device_crops import DeviceCrops

CPU = torch.device("cpu")


def flat_crops(folder: Path) -> CropSet:
    """Return 12 crops of one clip, each a ramp from left to right with a level of its own."""
    ramp = np.broadcast_to(np.arange(288, dtype=np.uint16)[None, :, None] // 4, (384, 288, 3))
    pixels = [(ramp + 10 * n).astype(np.uint8) for n in range(12)]
    rows = [
        {"codec": "x264", "frame": 1, "face_height": 200.0, "vmaf": n / 12, "gmsd": 0.1} for n in range(12)
    ]
    write_source(folder, "0010aaaaaa", "invented", pixels, rows)
    return CropSet([folder])


def test_a_batch_shows_parts_of_its_crops(tmp_path: Path) -> None:
    """Patches have the size asked for, come from the rows they name, and half of them are mirrored."""
    crops = flat_crops(tmp_path)
    resident = DeviceCrops(crops, CPU)
    mirrored = []
    for batch in islice(resident.batches(np.arange(12), 12, seed=1, patch=2 / 3), 20):
        assert batch.pixels.shape == (12, 256, 192, 3)
        assert np.array_equal(batch.labels.numpy(), crops.labels[batch.rows.numpy()])
        np.testing.assert_array_equal(batch.gains.numpy(), crops.gains[batch.rows.numpy()])
        slope = (batch.pixels[:, 0, -1] - batch.pixels[:, 0, 0]).mean(dim=1)
        assert (slope.abs() > 30).all()  # 191 px of a ramp of 1/4, tinted
        mirrored += (slope < 0).tolist()
        low = batch.pixels.amin(dim=(1, 2)).mean(dim=1)
        assert (low >= 10 * batch.rows * 0.85 - 1).all()
    assert 0.35 < np.mean(mirrored) < 0.65


def test_the_same_seed_and_step_give_the_same_batch(tmp_path: Path) -> None:
    """A run that resumes sees what it would have seen."""
    resident = DeviceCrops(flat_crops(tmp_path), CPU)
    from_the_start = list(islice(resident.batches(np.arange(12), 4, seed=3, patch=1.0), 5))
    resumed = next(resident.batches(np.arange(12), 4, seed=3, start=4, patch=1.0))
    assert torch.equal(from_the_start[4].pixels, resumed.pixels)
    assert not torch.equal(from_the_start[3].pixels, resumed.pixels)
