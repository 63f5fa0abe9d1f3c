"""`evaluate --report` from the command line, with the shipped student on a ladder that is made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_training.cli import main
from facegauge_training.data.ladder import ladder_store
from facegauge_training.release.export import ASSETS

MODEL = ASSETS / "facegauge-small" / "model.onnx"


@pytest.fixture
def cache(made_up_folder: Path, tmp_path: Path) -> Path:
    ladder_store(tmp_path).symlink_to(made_up_folder)
    return tmp_path


def test_one_command_writes_the_page_and_its_figures(cache: Path) -> None:
    """Without photos the sizes are left out; the figures go into the JSON too."""
    page, figures = cache / "report.html", cache / "figures.json"
    options = [
        "evaluate",
        "--model",
        str(MODEL),
        "--cache",
        str(cache),
        "--report",
        str(page),
        "--json",
        str(figures),
    ]
    done = CliRunner().invoke(main, [*options, "--no-baselines"])
    assert done.exit_code == 0, done.output
    assert "facegauge-small" in page.read_text()
    assert "not run: --no-baselines" in page.read_text() or "install with" in page.read_text()
    assert set(json.loads(figures.read_text())["beside"]) == {"student"}


def test_too_few_faces_are_an_error(made_up_folder: Path, tmp_path: Path) -> None:
    """Two faces: one sentence, exit code 1, no page."""
    folder = ladder_store(tmp_path)
    folder.mkdir()
    for name in ("00", "01"):
        for kind in ("npy", "json"):
            (folder / f"{name}.{kind}").symlink_to(made_up_folder / f"{name}.{kind}")
    page = tmp_path / "report.html"
    options = [
        "evaluate",
        "--model",
        str(MODEL),
        "--cache",
        str(tmp_path),
        "--report",
        str(page),
        "--no-baselines",
    ]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 1
    assert "too few" in done.output
    assert not page.exists()
