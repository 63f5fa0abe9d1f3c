"""`facegauge-plan` as an operator calls it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from click.testing import CliRunner, Result

from facegauge_plan.command import command
from facegauge_plan.constants import read_constants

from .made import CONSTANTS


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_plan_is_a_screen_of_text() -> None:
    """With the packaged constants: what a stream, a replica and the fleet take, and where it was measured."""
    result = plan("--streams", "500", "--size", "1080p", "--core-hour-price", "0.04")
    assert result.exit_code == 0, result.output
    assert "500 streams of jpeg, 1920x1080, 2 scored a second" in result.output
    assert "a stream and month" in result.output
    assert read_constants().machine in result.output
    assert max(map(len, result.output.splitlines())) <= 120


def test_a_plan_is_json_too(tmp_path: Path) -> None:
    """With constants of one's own."""
    own = tmp_path / "own.json"
    own.write_text(json.dumps(asdict(CONSTANTS)))
    found = json.loads(
        plan(
            "--streams",
            "5000",
            "--size",
            "1000x1000",
            "--student",
            "light",
            "--constants",
            str(own),
            "--json",
        ).output
    )
    assert found["stream"]["main_ms"] == 3
    assert found["streams_per_replica"] == 48  # 0.65 * 2 / 0.027


def test_bad_input_is_named(tmp_path: Path) -> None:
    """The option, or the entry of the file."""
    assert "--streams" in plan().output
    assert "'huge': give 360p" in plan("--streams", "1", "--size", "huge").output
    assert "measured were facegauge-small" in plan("--streams", "1", "--student", "x").output
    own = tmp_path / "own.json"
    for content, named in (
        ({**asdict(CONSTANTS), "face_ms": -1}, "face_ms must be numbers above 0"),
        ({"machine": "mine"}, "missing or unknown: base_mib"),
    ):
        own.write_text(json.dumps(content))
        result = plan("--streams", "1", "--constants", str(own))
        assert (result.exit_code, named in result.output) == (1, True), result.output
    assert plan("--streams", "1", "--constants", str(tmp_path / "none.json")).exit_code == 1
