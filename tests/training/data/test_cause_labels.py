from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facegauge_training.commands.cause_commands import cause_labels, compare_gains, count_store
from facegauge_training.data.cause_labels import Task, cause_store, count_crops, run_task, tasks
from facegauge_training.data.compare_gains import compare
from facegauge_training.data.count_crops import count
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.sampling import Visit, in_turn
from facegauge_training.data.sources import read_sources
from tests.training.data.astronaut import write_faces
from tests.training.data.test_sampling import photos


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def cache(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of train."""
    cache = tmp_path_factory.mktemp("cache")
    cause_store(cache).mkdir()
    for visit in islice(in_turn(read_sources(faces, "train")), 2):
        assert run_task(cache, Task("causes", visit)) > 0
    return cache


def test_val_comes_first_and_then_along_with_train() -> None:
    """Stopped at any moment, both splits are there; each photo of val comes once in each ladder."""
    train = (Visit(source, 0) for source in photos("train", 30))
    val = [Visit(source, 0) for source in photos("val", 7)]
    order = list(tasks(train, iter(val), 2))
    assert [task.store for task in order[:5]] == ["ladder", "ladder-causes", "ladder", "causes", "causes"]
    assert [task.store for task in order[3:9]].count("ladder") == 1
    for store, number in (("causes", 30), ("ladder", 7), ("ladder-causes", 7)):
        stems = {task.visit.stem for task in order if task.store == store}
        assert len(stems) == number == sum(task.store == store for task in order)


def test_what_is_there_is_not_made_again(faces: Path, cache: Path) -> None:
    """A second run of a task costs nothing and changes no file."""
    before = {path.name: path.stat().st_mtime_ns for path in cause_store(cache).iterdir()}
    for visit in islice(in_turn(read_sources(faces, "train")), 2):
        assert run_task(cache, Task("causes", visit)) == 0
    assert before == {path.name: path.stat().st_mtime_ns for path in cause_store(cache).iterdir()}


def test_the_program_stops_at_its_number_and_reports(faces: Path, cache: Path) -> None:
    """With as many crops as asked for nothing is made; the stores are counted."""
    there = count_crops(cause_store(cache))
    options = ["--faces", str(faces), "--cache", str(cache), "--crops", str(there), "--workers", "1"]
    done = CliRunner().invoke(cause_labels, options)
    assert done.exit_code == 0, done.output
    assert f"{there} crops of {there} there" in done.output


def test_bad_folders_are_refused_with_a_sentence(tmp_path: Path) -> None:
    """A folder without an index, and a store without labels, say what to do."""
    lost = CliRunner().invoke(cause_labels, ["--faces", str(tmp_path), "--cache", str(tmp_path)])
    assert lost.exit_code == 1
    assert "--faces" in lost.output
    empty = CliRunner().invoke(compare_gains, ["--store", str(tmp_path)])
    assert empty.exit_code == 1
    assert CliRunner().invoke(cause_labels, ["--crops", "0"]).exit_code == 2


def test_both_measures_agree_in_order_and_differ_in_size(cache: Path) -> None:
    """With two causes the first is the same by both; the shares add up to what was lost."""
    crops = CropSet([cause_store(cache)])
    results = compare(crops)
    assert results
    for causes, result in results.items():
        assert result["crops"] > 0
        assert 0 <= result["mean_error"] <= result["p95_error"] < 1
        assert causes != 2 or result["first_agrees"] in (1.0, pytest.approx(np.nan, nan_ok=True))


def test_a_store_is_counted_by_source_and_cause(cache: Path) -> None:
    """Every crop counts once under each heading, and the program prints them."""
    crops = CropSet([cause_store(cache)])
    counts = count(crops)
    assert {sum(numbers.values()) for numbers in counts.values()} == {len(crops)}
    assert set(counts["source"]) == {"nasa", "mirror"}
    assert counts["causes"]["none"] >= 4
    done = CliRunner().invoke(count_store, ["--store", str(cause_store(cache))])
    assert done.exit_code == 0
    assert f"{len(crops)} crops of 2 clips" in done.output
