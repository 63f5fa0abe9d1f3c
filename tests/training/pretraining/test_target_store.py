"""The teacher's outputs on disk: true, resumable, and never mixed with another store's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.sources import Source, read_picture
from facegauge_training.pretraining import target_store
from facegauge_training.pretraining.feature_teacher import DIRECTIONS, FeatureTeacher
from facegauge_training.pretraining.target_store import TargetStore, fill_targets
from facegauge_training.pretraining.views import PATCHES

CPU = torch.device("cpu")


def test_outputs_are_those_of_the_teacher_in_torch(targets: Path, patches: TargetStore) -> None:
    """OpenVINO's outputs, kept as halves, differ from torch's by the rounding alone."""
    teacher = FeatureTeacher()
    teacher.load_state_dict(torch.load(targets / "teacher.pt", weights_only=True))
    with torch.no_grad():
        known, *maps = teacher(torch.from_numpy(patches.pixels[:4].copy()))
    assert np.abs(known.numpy() - patches.outputs.statistics[:4]).max() < 0.02
    for stride, found in zip(DIRECTIONS, maps, strict=True):
        assert np.abs(found.numpy() - patches.outputs.maps[stride][:4]).max() < 0.02


def test_blur_lowers_what_the_fine_stages_deviations_say(patches: TargetStore) -> None:
    """The statistics hold what quality is about: a blurred view has less deviation at stride 2."""
    sharp = torch.from_numpy(patches.pixels[:1].copy())
    soft = torch.nn.functional.avg_pool2d(sharp.permute(0, 3, 1, 2).float(), 7, 1, 3).permute(0, 2, 3, 1)
    with torch.no_grad():
        a, b = (FeatureTeacher()(pixels)[0] for pixels in (sharp, soft))
    assert (b - a)[0, 16:32].mean() < -0.1


def test_a_killed_fill_goes_on_to_the_same_store(
    photos: list[Source], patches: TargetStore, targets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its first photo, a store ends as one that was filled at once."""
    (tmp_path / "teacher.pt").write_bytes((targets / "teacher.pt").read_bytes())
    monkeypatch.setattr(target_store, "CHUNK", 1)
    calls: list[Path] = []

    def killed_at_the_second(path: Path) -> np.ndarray:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return read_picture(path)

    monkeypatch.setattr(target_store, "read_picture", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        fill_targets(tmp_path, photos, PATCHES, 1, 1, CPU)
    again = fill_targets(tmp_path, photos, PATCHES, 1, 1, CPU)
    assert calls[2:] == [photo.path for photo in photos[1:]]
    assert np.array_equal(again.pixels, patches.pixels)
    assert np.abs(again.outputs.statistics - patches.outputs.statistics).max() < 0.02
    assert fill_targets(tmp_path, photos, PATCHES, 1, 1, CPU).pairs == len(photos)
    assert len(calls) == 1 + len(photos)


def test_a_store_of_other_settings_is_refused(targets: Path, photos: list[Source]) -> None:
    """Other photos, another seed, more pairs: nothing is mixed or overwritten."""
    for chosen, pairs, seed in ((photos[:2], 1, 1), (photos, 2, 1), (photos, 1, 9)):
        with pytest.raises(RecipeError, match="--targets"):
            fill_targets(targets, chosen, PATCHES, pairs, seed, CPU)


def test_an_unreadable_photo_is_named(photos: list[Source], tmp_path: Path) -> None:
    """The error says which file to restore."""
    missing = tmp_path / "gone.png"
    broken = [Source(missing, "train", "one", photos[0].face, 1.0, "CC0")]
    with pytest.raises(RecipeError, match=r"gone\.png"):
        fill_targets(tmp_path, broken, PATCHES, 1, 1, CPU)
