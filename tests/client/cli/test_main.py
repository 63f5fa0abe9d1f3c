"""The command line: usage errors, exit codes, help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegauge_client.cli import command


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay"], "Missing argument 'FILE...'"),
        (["replay", "a.mp4", "--fps", "fast"], "neither a number from 0.1 to 1000 nor all"),
        (["replay", "a.mp4", "--fps", "-1"], "neither a number from 0.1 to 1000 nor all"),
        (["replay", "a.mp4", "--speed", "0"], "neither a number from 0.01 to 1000 nor max"),
        (["replay", "a.mp4", "--speed", "nan"], "neither a number"),
        (["replay", "a.mp4", "--server", "localhost"], "wants HOST:PORT, such as 127.0.0.1:50051"),
        (["replay", "a.mp4", "--server", "localhost:http"], "wants HOST:PORT"),
        (["replay", "a.mp4", "--json", "/no/such/folder/out.jsonl"], "choose another --json"),
        (["replay", "a.mp4", "--display-lines", "9"], "90<=x<=4320"),
        (["assess"], "Missing argument 'IMAGE...'"),
        (["top", "--tls-key", __file__], "give both"),
        (["top", "--tls-ca", "/no/such/file.pem"], "does not exist"),
        (["play"], "No such command 'play'"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(arguments: list[str], says: str) -> None:
    """A mistake on the command line is reported before anything starts."""
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, says in result.output) == (2, True), result.output


@pytest.mark.parametrize("name", ["replay", "assess", "top"])
def test_a_server_that_is_not_there_ends_with_exit_code_1(name: str, tmp_path: Path) -> None:
    """One sentence on standard error and nothing on standard output."""
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"\xff\xd8\xff")
    arguments = [name, "--server", "127.0.0.1:1", *([] if name == "top" else [str(picture), "--json", "-"])]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no Facegauge server answers at 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["", "replay", "assess", "top", "demo"])
def test_help_shows_examples(name: str) -> None:
    """Every command's help has examples to copy."""
    result = CliRunner().invoke(command, [*filter(None, [name]), "--help"])
    assert result.exit_code == 0
    assert "Examples:\n    facegauge " in result.output


def test_the_version_is_printed() -> None:
    """`--version` prints the distribution's."""
    result = CliRunner().invoke(command, ["--version"])
    assert result.output.startswith("facegauge, version ")


def test_an_empty_json_file_is_valid_json_lines(tmp_path: Path) -> None:
    """The file is there, and empty, when no frame was scored."""
    out = tmp_path / "out.jsonl"
    CliRunner().invoke(command, ["replay", "a.mp4", "--server", "127.0.0.1:1", "--json", str(out)])
    assert [json.loads(line) for line in out.read_text().splitlines()] == []
