"""`facegauge-train challenge` and `evaluate-images`, as a person calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.teacher import Teacher, pseudo_label
from facegauge_training.challenge.weights import load_network
from facegauge_training.cli import main
from facegauge_training.common.errors import RecipeError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as facegauge_training.challenge.scored_images leaves it: `train`, `val` and their tables."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 10)):
        (folder / split).mkdir()
        lines = ["image,score,group"]
        for n in range(count):
            softness = n % 6 / 2
            picture = cv2.resize(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8), (72, 96))
            picture = cv2.GaussianBlur(picture, (0, 0), softness) if softness else picture
            cv2.imwrite(str(folder / split / f"{n}.png"), picture)
            lines.append(f"{n}.png,{1 - softness / 3:.3f},face {n // 2}")
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def cache_of(run: Path) -> Path:
    """Return the cache in whose `runs` a folder is."""
    return run.parents[1]


def _options(data: Path, run: Path, system: str, *more: str) -> list[str]:
    rows = ["--images", str(data / "train"), "--labels", str(data / "train.csv"), "--threads", "1"]
    place = ["--cache", str(cache_of(run)), "--run", run.name]
    return ["challenge", "--system", system, *rows, *place, *more]


def _invoke(data: Path, run: Path, system: str, *more: str) -> Result:
    return CliRunner().invoke(main, _options(data, run, system, *more))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a whole, short training."""
    run = tmp_path_factory.mktemp("cache") / "runs" / "conquerit"
    torch.set_num_threads(1)
    done = _invoke(data, run, "conquerit", "--steps", "4", "--batch", "4")
    assert done.exit_code == 0, done.output
    return run


def test_it_leaves_what_it_promises(trained: Path, data: Path) -> None:
    """Weights, an ONNX file that agrees with torch and knows its system, a log, a picture, a result."""
    result = json.loads((trained / "result.json").read_text())
    assert result["system"] == "conquerit"
    assert result["initialisation"] == "random"
    assert result["onnx_torch_difference"] <= 1e-4
    assert [json.loads(line)["step"] for line in (trained / "log.jsonl").read_text().splitlines()] == [
        1,
        2,
        3,
        4,
    ]
    assert cv2.imread(str(trained / "curves.png")) is not None
    system, network = load_network(trained / "model.pt")
    assert system == "conquerit"
    assert not network.training
    scores = score_pictures(trained / "model.onnx", read_pictures(data / "val", data / "val.csv"))
    assert scores.shape == (10,)
    assert np.isfinite(scores).all()


def test_what_is_wrong_is_named(data: Path, tmp_path: Path) -> None:
    """Each in a sentence, with what to do, and without a traceback."""
    run = tmp_path / "runs" / "x"
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("image,quality\n0.png,0.5\n", encoding="utf-8")
    cases = [
        (_invoke(data, run, "ders", "--pretrained"), 1, "No published weights for ders"),
        (_invoke(data, run, "ecnu"), 1, "Choose one of: ecnu-sjtu"),
        (_invoke(data, run, "ders", "--labels", str(wrong)), 1, "has no column score"),
        (_invoke(data, run, "ders", "--images", str(tmp_path)), 1, "24 bad lines"),
        (_invoke(data, run, "ders", "--steps", "9", "--budget", "0.5"), 2, "give one of them"),
        (_invoke(data, run, "ders", "--teacher", str(wrong)), 1, "has no teacher"),
        (_invoke(data, run, "regnet", "--extra-images", str(tmp_path)), 2, "give both"),
        (_invoke(data, run, "2077agent"), 1, "--without-teacher"),
        (_invoke(data, run, "next", "--teacher", str(tmp_path / "x.pt")), 1, "--teacher"),
        (_invoke(data, run, "ecnu-sjtu", "--unlabelled", str(tmp_path)), 1, "--teacher"),
        (_invoke(data, run, "ders", "--start-from", str(wrong)), 1, "is no model.pt"),
    ]
    for done, code, named in cases:
        assert done.exit_code == code, done.output
        assert named in done.output
        assert isinstance(done.exception, SystemExit)


def test_a_teacher_teaches(trained: Path, data: Path, tmp_path: Path) -> None:
    """A student that distils scores takes any trained system for its teacher, and says which."""
    more = ["--steps", "2", "--batch", "2", "--teacher", str(trained / "model.pt")]
    run = tmp_path / "runs" / "student"
    done = _invoke(data, run, "2077agent", *more)
    assert done.exit_code == 0, done.output
    assert json.loads((run / "result.json").read_text())["teacher"] == "conquerit"


def test_a_teacher_says_the_same_in_any_company(trained: Path, data: Path) -> None:
    """To the last bit, or a resumed run would differ."""
    pictures = read_pictures(data / "val", data / "val.csv")
    first, other = Teacher(trained / "model.pt", CPU), Teacher(trained / "model.pt", CPU)
    together = first.predict(pictures, (3, 1, 2)).scores
    assert torch.equal(together[:1], other.predict(pictures, (3,)).scores)


def test_pseudo_labels_are_fitted_and_kept(trained: Path, data: Path, tmp_path: Path) -> None:
    """Labels lie within 0 and 1, join the others, and are not made twice."""
    labelled = read_pictures(data / "train", data / "train.csv")
    teacher = Teacher(trained / "model.pt", CPU)
    more = pseudo_label(teacher, data / "val", labelled, tmp_path)
    assert len(more) == 10
    assert ((more.scores >= 0) & (more.scores <= 1)).all()
    assert labelled.join(more)[24].shape == (96, 72, 3)
    again = pseudo_label(teacher, data / "val", labelled, tmp_path)
    assert (again.scores == more.scores).all()
    with pytest.raises(RecipeError, match="--unlabelled"):
        pseudo_label(teacher, tmp_path, labelled, tmp_path)


def test_pseudo_labels_are_of_their_teacher_and_folder(trained: Path, data: Path, tmp_path: Path) -> None:
    """Another teacher, or other pictures, never get what is kept of the first."""
    labelled = read_pictures(data / "train", data / "train.csv")
    teacher = Teacher(trained / "model.pt", CPU)
    first = pseudo_label(teacher, data / "val", labelled, tmp_path)
    other = pseudo_label(teacher, data / "train", labelled, tmp_path)
    assert (len(first), len(other)) == (10, 24)
    saved = torch.load(trained / "model.pt", weights_only=True)
    for name, tensor in saved["weights"].items():
        if name.endswith("running_mean"):
            tensor += 1
    torch.save(saved, tmp_path / "model.pt")
    second = pseudo_label(Teacher(tmp_path / "model.pt", CPU), data / "val", labelled, tmp_path)
    assert len(list(tmp_path.glob("pseudo-*.csv"))) == 3
    assert second.names == first.names


def test_evaluate_measures_any_model_on_pictures(trained: Path, data: Path, tmp_path: Path) -> None:
    """What the challenge's report gives, with intervals, to the screen and to a file."""
    options = ["evaluate-images", "--model", str(trained / "model.onnx"), "--images", str(data / "val")]
    table = tmp_path / "figures.json"
    done = CliRunner().invoke(main, [*options, "--labels", str(data / "val.csv"), "--json", str(table)])
    assert done.exit_code == 0, done.output
    figures = json.loads(table.read_text())
    assert {"srocc", "plcc", "plcc_fitted", "rmse", "score", "score_fitted", "score_interval_95"} <= set(
        figures
    )
    assert figures["pictures"] == 10
    assert CliRunner().invoke(main, options).exit_code == 2  # --labels is missing


def test_a_model_that_is_none_is_told(data: Path, tmp_path: Path) -> None:
    pictures = read_pictures(data / "val", data / "val.csv")
    with pytest.raises(RecipeError, match="train first"):
        score_pictures(tmp_path / "none.onnx", pictures)
    (tmp_path / "none.onnx").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match="no model"):
        score_pictures(tmp_path / "none.onnx", pictures)
