from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.cli import main
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.ladder import LADDER, ladder_store

STEPS = [chain for chains in LADDER.values() for chain in chains]
PLAIN = sum(len(chains) for family, chains in LADDER.items() if family not in ("noise", "darkness"))


def _store(folder: Path, keys: list[str], chains: list[Chain], **more: float) -> None:
    """Write crops as `store.fill_store` does, without making them: every source's are of its own colour."""
    folder.mkdir(parents=True)
    for n, key in enumerate(keys):
        np.save(folder / f"{key}.npy", np.full((len(chains), 384, 288, 3), 10 + n, np.uint8))
        rows = [
            {**chain.describe(), "frame": 3, "vmaf": 1 - i / len(chains), "gmsd": 0.0, **more}
            for i, chain in enumerate(chains)
        ]
        text = json.dumps({"source": "invented", "crops": rows})
        (folder / f"{key}.json").write_text(text, encoding="utf-8")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Three train photos, one of them held out by its key, one far away, and a ladder of two faces."""
    crf = [Chain(codec="x264", quality=q) for q in (23, 33, 43, 51)]
    _store(tmp_path / "train-1-round-1", ["0001aaaaaa", "0002aaaaaa", "0010aaaaaa"], crf)
    _store(tmp_path / "train-1-round-2", ["0003aaaaaa"], crf, face_height=80.0)
    _store(ladder_store(tmp_path), ["0001bbbbbb", "0002bbbbbb"], STEPS)
    return tmp_path


def _write(cache: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["scored-images", "--cache", str(cache), "--out", str(out), *more])


def test_splits_stay_apart(cache: Path, tmp_path: Path) -> None:
    """No photo is on two sides; far faces and anchored labels are left out; pixels are kept."""
    done = _write(cache, tmp_path / "out", "--val-faces", "1")
    assert done.exit_code == 0, done.output
    assert "only 8 of the 8000 crops" in done.output
    out = tmp_path / "out"
    train, watch, val = (
        read_pictures(out / name, out / f"{name}.csv", least=1) for name in ("train", "held_out", "val")
    )
    assert set(train.groups) == {"0001aaaaaa", "0002aaaaaa"}
    assert set(watch.groups) == {"0010aaaaaa"}
    assert len(set(val.groups)) == 1
    assert len(val) == PLAIN
    assert train.scores[:2] == pytest.approx([1.0, 0.75])
    first = train.names.index(next(name for name in train.names if name.startswith("0002")))
    assert (train[first] == 11).all()


def test_the_seed_decides(cache: Path, tmp_path: Path) -> None:
    """The same seed draws the same crops, another one others."""
    names = []
    for n, seed in enumerate((1, 1, 5)):
        out = tmp_path / str(n)
        assert _write(cache, out, "--count", "3", "--seed", str(seed)).exit_code == 0
        names.append(read_pictures(out / "train", out / "train.csv", least=1).names)
    assert names[0] == names[1] != names[2]


def test_finished_folders_are_left_alone(cache: Path, tmp_path: Path) -> None:
    """A second run says that all is there; what a kill left behind is written anew."""
    out = tmp_path / "out"
    assert _write(cache, out).exit_code == 0
    again = _write(cache, out)
    assert again.exit_code == 1
    assert "give another --out" in again.output
    (out / "val.csv").unlink()
    assert _write(cache, out).exit_code == 0


def test_an_empty_cache_is_told(tmp_path: Path) -> None:
    done = _write(tmp_path, tmp_path / "out")
    assert done.exit_code == 1
    assert "facegauge-train labels" in done.output
