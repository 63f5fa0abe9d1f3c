from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegauge_training.data import label_clip
from facegauge_training.data.causes import CAUSES
from facegauge_training.data.clips import Clip, make_clip
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.degradation_chain import Chain, label
from facegauge_training.data.ladder import SEED, all_steps
from facegauge_training.data.sampling import in_turn
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import label_source
from tests.training.data.astronaut import FACE, read_astronaut, write_faces

CODED, SOFT, SMALL = Chain(codec="x264", quality=42), Chain(defocus=3.0), Chain(lines=270)
NOISY, DARK, BRIGHT = Chain(noise=14.0, webcam=True), Chain(stops=-3.5), Chain(stops=2.0)
LOST = Chain(codec="x264", quality=10, loss=0.6, loss_kind="slices", draw=4)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_clip(read_astronaut(), FACE, np.random.default_rng(2), pace=3.0, count=5)


def measured(clip: Clip, chains: list[Chain]) -> dict[Chain, float]:
    """Labels at frame 3."""
    versions, kept = label_clip.measure(clip, chains, (3,), lambda: np.random.default_rng(1))
    return {
        chain: label(chain, *version.scores[3], kept.get(chain.stops, {}).get(3))
        for chain, version in versions.items()
    }


def test_every_cause_costs_quality(clip: Clip) -> None:
    """Each defect alone, at a severity that nobody overlooks, is plainly below the untouched face."""
    labels = measured(clip, [Chain(), CODED, SOFT, SMALL, NOISY, DARK, BRIGHT, LOST])
    assert labels.pop(Chain()) > 0.95
    assert max(labels.values()) < 0.85


def test_a_filter_never_raises_a_label(clip: Clip, tmp_path: Path) -> None:
    """Sharpening fools VMAF on a soft face; the label of the sharpened face is that of the soft one."""
    sharp = replace(SOFT, sharpen=2.0)
    versions, kept = label_clip.measure(clip, [Chain(), SOFT, sharp], (3,), lambda: np.random.default_rng(1))
    assert versions[sharp].scores[3][0] > versions[SOFT].scores[3][0] + 0.03
    label_clip.write_versions(tmp_path, "ab-0", "nasa", clip, versions, kept, {}, None)
    crops = CropSet([tmp_path])
    assert crops.labels[2] <= crops.labels[1]
    assert crops.gains[2, CAUSES.index("blur")] == pytest.approx(crops.gains[1, CAUSES.index("blur")])
    assert not np.array_equal(crops[1], crops[2])


def test_overexposure_is_judged_by_what_clipped(clip: Clip) -> None:
    """The same stops cost a dark picture less than a light one."""
    darker = Clip([(frame * 0.55).astype(np.uint8) for frame in clip.frames], clip.faces)
    assert measured(darker, [BRIGHT])[BRIGHT] > measured(clip, [BRIGHT])[BRIGHT] + 0.05


def test_the_ladder_is_the_same_as_ever(tmp_path: Path) -> None:
    """In half the time come the crops and figures that the ladder's own program makes."""
    source = read_sources(write_faces(tmp_path), "val")[0]
    folders = [tmp_path / "slow", tmp_path / "fast"]
    for folder in folders:
        folder.mkdir()
    label_source(folders[0], source, all_steps, SEED, 1, jitter=False, far_share=0.0)
    assert label_clip.label_ladder_face(folders[1], source) == 32
    slow, fast = (json.loads((f / f"{source.key}.json").read_text())["crops"] for f in folders)
    assert [{name: new[name] for name in old} for old, new in zip(slow, fast, strict=True)] == slow
    assert np.array_equal(*(np.load(folder / f"{source.key}.npy") for folder in folders))


def test_a_train_clip_comes_with_gains(tmp_path: Path) -> None:
    """Crops, labels and gains of a clip are all there, finite, in range, and the same a second time."""
    visit = next(in_turn(read_sources(write_faces(tmp_path), "train")))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        count = label_clip.label_train_clip(tmp_path / name, visit)
    crops, again = CropSet([tmp_path / "one"]), CropSet([tmp_path / "two"])
    assert count == len(crops) > 8
    assert np.array_equal(crops.labels, again.labels)
    assert np.array_equal(crops.gains, again.gains)
    assert np.isfinite(crops.shares).all()
    assert crops.gains.min() == 0
    assert crops.gains.max() > 0
    assert (crops.labels[:, None] + crops.gains).max() < 1.001
    untouched = [i for i, row in enumerate(crops.rows) if not row["without"]]
    assert (crops.gains[untouched] == 0).all()
