"""`evaluate` and `evaluation-page` from the command line, with a tiny student on data that are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facegauge_training.cli import main
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.marked import put_marked
from facegauge_training.data.call_clips import call_clip_store
from facegauge_training.data.cause_labels import cause_ladder_store
from facegauge_training.data.cause_plan import CAUSE_LADDER
from facegauge_training.data.causes import CAUSES
from facegauge_training.data.ladder import ladder_store
from facegauge_training.evaluation.page.build import TABLES
from facegauge_training.release.uncertainty import uncertainty_words
from tests.tiny_student import write_tiny_student
from tests.training.conftest import invent_store
from tests.training.evaluation.invented_calls import invent_calls

MARKS = "".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in TABLES)


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with causes, its manifest, and a card with room for its uncertainty."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    outputs = {"quality": "quality", "causes": list(CAUSES)}
    write_tiny_student(folder, outputs=outputs, version="1.2.3", openvino_f32_ms=1.0)
    card = "# tiny\n<!-- uncertainty -->\n<!-- /uncertainty -->\nthe rest\n"
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return folder / "model.onnx"


@pytest.fixture(scope="module")
def cache(made_up_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both ladders and calls."""
    folder = tmp_path_factory.mktemp("cache")
    ladder_store(folder).symlink_to(made_up_folder)
    chains = [chain for steps in CAUSE_LADDER.values() for chain in steps if chain.noise == 0]
    for key in ("01", "02", "03", "04"):
        invent_store(cause_ladder_store(folder), key, chains, 1)
    invent_calls(call_clip_store(folder), 2)
    return folder


@pytest.fixture(scope="module")
def evaluated(student: Path, cache: Path) -> Path:
    """The cache after one command, with its page and figures."""
    outputs = ("--report", cache / "report.html", "--json", cache / "figures.json", "--card")
    done = call("evaluate", "--model", student, "--cache", cache, *outputs, "--no-baselines")
    assert done.exit_code == 0, done.output
    return cache


def test_one_command_writes_the_page_and_its_figures(evaluated: Path) -> None:
    """Targets, calls and causes are on the page; without photos the sizes are left out."""
    page = (evaluated / "report.html").read_text()
    for title in ("Targets", "Calls that get worse", "Why: the causes", "Spread at one severity"):
        assert f"<h2>{title}</h2>" in page
    assert "at fewer pixels" not in page
    assert "not run: --no-baselines" in page or "install with" in page
    figures = json.loads((evaluated / "figures.json").read_text())
    assert set(figures["beside"]) == {"student"}
    assert figures["model"]["version"] == "1.2.3"
    assert (figures["calls"]["calls"], figures["causes"]["crops"]) == (
        4,
        figures["cause_reliability"]["crops"],
    )
    told = {line["target"]: line for line in figures["targets"]}
    assert told["SROCC"]["value"] == figures["srocc"]
    assert told["SROCC"]["met"] is False
    assert told["CPU time a face, ms, as its manifest says"]["met"] is True
    too_few_faces = {"widest gap between groups of people"}
    assert {name for name, line in told.items() if line["met"] is None} <= too_few_faces


def test_the_uncertainty_is_stated_beside_the_model(evaluated: Path, student: Path) -> None:
    """In the manifest, whose other entries stay, and in the card between its marks."""
    manifest = json.loads((student.parent / "manifest.json").read_text())
    figures = json.loads((evaluated / "figures.json").read_text())
    assert manifest["version"] == "1.2.3"
    assert manifest["uncertainty"]["one_crop"] == figures["one_crop_interval"]
    card = (student.parent / "MODEL_CARD.md").read_text()
    assert uncertainty_words(manifest) in card
    assert f"{figures['own_bias']['value']:.3f}" in card
    assert card.endswith("the rest\n")


def test_the_page_is_written_from_what_evaluate_left(evaluated: Path, student: Path, tmp_path: Path) -> None:
    """Every table is between its marks, what a person wrote stays, and a second run changes nothing."""
    page = tmp_path / "evaluation.md"
    page.write_text(f"Before\n{MARKS}after\n", encoding="utf-8")
    command = ("evaluation-page", "--cache", evaluated, "--model", student, "--page", page)
    assert call(*command).exit_code == 0
    text = page.read_text()
    assert text.startswith("Before\n")
    assert text.endswith("after\n")
    assert text.count("| tiny 1.2.3") >= len(TABLES) - 4
    assert "| SROCC | at least 0.950 |" in text
    assert "**MISSED**" in text
    assert call(*command).exit_code == 0
    assert page.read_text() == text


def test_a_model_that_was_not_evaluated_as_it_is_has_no_row(
    evaluated: Path, student: Path, tmp_path: Path
) -> None:
    """Another file of the same name: the command that measures it is named, and the page stays."""
    other = tmp_path / "tiny"
    other.mkdir()
    (other / "model.onnx").write_bytes(student.read_bytes() + b" ")
    page = tmp_path / "evaluation.md"
    page.write_text(MARKS, encoding="utf-8")
    done = call("evaluation-page", "--cache", evaluated, "--model", other / "model.onnx", "--page", page)
    assert done.exit_code == 1
    assert "facegauge-train evaluate --model" in done.output
    assert page.read_text() == MARKS


def test_a_page_without_a_mark_is_left_as_it_was(tmp_path: Path) -> None:
    """The missing mark is named."""
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n<!-- /a -->\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="<!-- b -->"):
        put_marked(page, {"a": "text", "b": "text"})
    assert page.read_text() == "<!-- a -->\n<!-- /a -->\n"


def test_a_cache_without_calls_and_causes_is_measured_as_far_as_it_goes(
    made_up_folder: Path, student: Path, tmp_path: Path
) -> None:
    """What was left out is told with the command that makes it."""
    ladder_store(tmp_path).symlink_to(made_up_folder)
    done = call("evaluate", "--model", student, "--cache", tmp_path)
    assert done.exit_code == 0, done.output
    assert "facegauge-train call-clips" in done.output
    assert "facegauge-train cause-labels" in done.output


def test_too_few_faces_are_an_error(made_up_folder: Path, student: Path, tmp_path: Path) -> None:
    """Two faces: measured as far as possible, but no page; one sentence, exit code 1."""
    folder = ladder_store(tmp_path)
    folder.mkdir()
    for name in ("00", "01"):
        for kind in ("npy", "json"):
            (folder / f"{name}.{kind}").symlink_to(made_up_folder / f"{name}.{kind}")
    page = tmp_path / "report.html"
    options = ("evaluate", "--model", student, "--cache", tmp_path)
    assert call(*options).exit_code == 0
    done = call(*options, "--report", page, "--no-baselines")
    assert done.exit_code == 1
    assert "too few" in done.output
    assert not page.exists()
