from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facegauge_training.cli import main
from facegauge_training.common.errors import RecipeError
from facegauge_training.data import label_crops as labels
from facegauge_training.data import ladder
from facegauge_training.data.crop_set import FAR_FACE, CropSet
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import fill_store, read_store
from facegauge_training.fitting.loader import batches, held_out


def plan(rng: np.random.Generator) -> list[Chain]:
    """Two chains, one of them drawn."""
    return [Chain(), Chain(codec="x264", quality=int(rng.integers(30, 50)))]


@pytest.fixture(scope="module")
def store(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    assert fill_store(folder, read_sources(faces, "train"), plan, 1, 2, jitter=True, workers=1) == 3
    return folder


def test_a_second_run_costs_nothing(faces: Path, store: Path) -> None:
    """What is labelled stays labelled, byte for byte."""
    before = {path.name: path.stat().st_mtime_ns for path in store.iterdir()}
    assert fill_store(store, read_sources(faces, "train"), plan, 1, 2, jitter=True, workers=1) == 0
    assert before == {path.name: path.stat().st_mtime_ns for path in store.iterdir()}


def test_a_killed_run_resumes_to_the_same_crops(faces: Path, store: Path, tmp_path: Path) -> None:
    """A source whose table was not finished is made again, and comes out as it would have."""
    sources = read_sources(faces, "train")[:1]
    (tmp_path / f"{sources[0].key}.json.part").write_text("{")
    assert fill_store(tmp_path, sources, plan, 1, 2, jitter=True, workers=1) == 1
    again, before = read_store(tmp_path), read_store(store)
    first = next(i for i, row in enumerate(before.rows) if row["key"] == sources[0].key)
    assert np.array_equal(again[0], before[first])
    assert again.labels[0] == before.labels[first]


def test_an_empty_store_says_what_to_run(tmp_path: Path) -> None:
    """Reading a store without labels names the command that makes them."""
    with pytest.raises(RecipeError, match=r"facegauge-train labels"):
        read_store(tmp_path)


def test_held_out_faces_are_whole_faces(store: Path) -> None:
    """All crops of a photo are on one side."""
    crops = read_store(store)
    aside = held_out(crops)
    sides: dict[str, set[bool]] = {}
    for row, out in zip(crops.rows, aside, strict=True):
        sides.setdefault(row["key"], set()).add(bool(out))
    assert all(len(side) == 1 for side in sides.values())


def test_batches_can_be_taken_up_where_they_stopped(store: Path) -> None:
    """The batch of a step is the same in a fresh training and in a resumed one; patches are smaller."""
    crops = read_store(store)
    everyone = np.arange(len(crops))
    fresh = batches(crops, everyone, 4, seed=2, patch=2 / 3)
    steps = [next(fresh) for _ in range(5)]
    resumed = next(batches(crops, everyone, 4, seed=2, start=4, patch=2 / 3))
    assert np.array_equal(resumed.pixels.numpy(), steps[4].pixels.numpy())
    assert np.array_equal(resumed.labels.numpy(), steps[4].labels.numpy())
    assert resumed.pixels.shape == (4, 256, 192, 3)


def test_a_batch_holds_versions_of_one_face(store: Path) -> None:
    """Groups of four crops are of one clip, so that there is something to put in order."""
    crops = read_store(store)
    batch = next(batches(crops, np.arange(len(crops)), 4, seed=3))
    assert len(set(batch.clips.tolist())) == 1
    assert batch.valued.all()


def test_far_faces_are_marked(faces: Path, tmp_path: Path) -> None:
    """A face filmed from far away is in the store, and its label is not taken for a value."""
    sources = read_sources(faces, "train")[:1]
    fill_store(tmp_path, sources, plan, 1, 2, jitter=True, workers=1, far_share=1.0)
    far = read_store(tmp_path)
    assert all(row["face_height"] < 165 for row in far.rows)
    assert list(far.far) == [row["face_height"] < FAR_FACE for row in far.rows]


def test_drawn_chains_are_of_every_kind() -> None:
    """A thousand draws hold every codec, size and defect, and the same seed draws the same."""
    drawn, again = (
        [labels.draw_chain(rng) for _ in range(1000)] for rng in map(np.random.default_rng, (1, 1))
    )
    assert drawn == again
    assert {c.codec for c in drawn} == {"", "x264", "vp8", "vp9", "av1"}
    assert {c.lines for c in drawn} == {180, 270, 360, 540, 720}
    for name in ("stops", "noise", "defocus", "motion", "enlarged"):
        assert 20 < sum(bool(getattr(c, name)) for c in drawn) < 500, name


def test_every_step_of_the_ladder_is_found_again() -> None:
    """A chain's family and step come back from the chain alone."""
    for name, chains in ladder.LADDER.items():
        for i, chain in enumerate(chains):
            assert ladder.step_name(chain) == (name, 0 if name == "pristine" else i + 1)
    with pytest.raises(ValueError, match="ladder"):
        ladder.step_name(Chain(codec="x264", quality=1))


def test_commands_end_with_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    """Bad folders and options give exit code 1 or 2 and say what to do."""
    runner = CliRunner()
    lost = runner.invoke(main, ["labels", "--faces", str(tmp_path), "--cache", str(tmp_path)])
    assert (lost.exit_code, "--faces" in lost.output) == (1, True)
    bad = runner.invoke(main, ["ladder", "--limit", "0"])
    assert bad.exit_code == 2
    empty = runner.invoke(main, ["noise-anchor", "--cache", str(tmp_path)])
    assert (empty.exit_code, "labels" in empty.output) == (1, True)


def test_a_sheet_shows_the_crops(store: Path, tmp_path: Path) -> None:
    """The contact sheet is a picture; an unknown field is refused."""
    out = tmp_path / "sheet.png"
    options = ["contact-sheet", "--store", str(store), "--out", str(out)]
    done = CliRunner().invoke(main, [*options, "--columns", "4"])
    assert done.exit_code == 0, done.output
    assert out.stat().st_size > 10_000
    refused = CliRunner().invoke(main, [*options, "--only", "charm"])
    assert refused.exit_code == 1


def test_labels_follow_the_rows(store: Path) -> None:
    """Labels are computed from what the table says, so that a better anchor needs no new crops."""
    crops = CropSet([store])
    table = json.loads(next(iter(sorted(store.glob("*.json")))).read_text())
    assert crops.labels[0] == pytest.approx(table["crops"][0]["vmaf"])
