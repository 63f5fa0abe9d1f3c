"""The command `facegauge-train`: its subcommands, and flags that mean the same everywhere."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from facegauge_training.cli import COMMANDS, main

NAMES = main.list_commands(click.Context(main))
SHARED = ("--cache", "--run", "--start-from", "--teacher", "--seed", "--threads", "--pseudo-round", "--round")


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert isinstance(found, click.Command)
    return found


def options() -> dict[str, dict[str, click.Option]]:
    """Return flag -> command -> option."""
    found: dict[str, dict[str, click.Option]] = {}
    for name in NAMES:
        for parameter in command(name).params:
            assert isinstance(parameter, click.Option)
            found.setdefault(parameter.opts[0], {})[name] = parameter
    return found


def test_help_is_quick_and_lists_every_command() -> None:
    """Help imports no torch, no timm and no command."""
    script = (
        "import sys; from click.testing import CliRunner; from facegauge_training.cli import main; "
        "print(CliRunner().invoke(main, ['--help']).output); "
        "assert not {'torch', 'timm', 'cv2', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for name in NAMES:
        assert f"  {name} " in done.stdout
        assert COMMANDS[name].help in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(name: str) -> None:
    """A command has the name under which it is called, and help for itself and each of its options."""
    found = command(name)
    assert found.name == name
    assert found.help
    for parameter in found.params:
        assert isinstance(parameter, click.Option)
        assert parameter.help, parameter.opts
        first = parameter.help.split()[0]
        assert first not in {"Of", "As", "Instead"}, parameter.help
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("flag", SHARED)
def test_a_flag_means_the_same_everywhere(flag: str) -> None:
    """One type and one metavar: runs are names, networks a run's name or a file's path."""

    def kind(option: click.Option) -> tuple[Any, ...]:
        return option.type.__class__, option.metavar, option.is_flag

    kinds = {kind(option) for option in options()[flag].values()}
    assert len(kinds) == 1
    if flag in ("--start-from", "--teacher"):
        assert {option.metavar for option in options()[flag].values()} == {"RUN|FILE"}


def test_samples_to_train_on_have_one_name() -> None:
    """`--train-samples`, as against the frames of a call."""
    assert "--samples" not in options()
    assert set(options()["--train-samples"]) >= {"teacher", "student"}


def test_an_unknown_command_is_refused() -> None:
    """Exit code 2, and the name."""
    done = CliRunner().invoke(main, ["train"])
    assert done.exit_code == 2
    assert "train" in done.output
