"""The command `facegauge-train`. Subcommands are imported when they are called, so that help is quick."""

from __future__ import annotations

import importlib
import importlib.util
from typing import NamedTuple

import click

__all__ = ["COMMANDS", "main"]


class Place(NamedTuple):
    """Where a subcommand is, and its line in the help."""

    module: str
    name: str
    help: str


_COMMANDS = "facegauge_training.commands"
COMMANDS = {
    "ladder": Place(f"{_COMMANDS}.data_commands", "ladder", "Build the ladder of the val split."),
    "labels": Place(f"{_COMMANDS}.data_commands", "labels", "Label crops of the train split."),
    "cause-labels": Place(
        f"{_COMMANDS}.cause_commands", "cause_labels", "Label crops with what each defect costs."
    ),
    "pretrain": Place(f"{_COMMANDS}.pretraining_commands", "pretrain", "Pretrain a backbone."),
    "probe-backbone": Place(
        f"{_COMMANDS}.pretraining_commands",
        "probe_backbone",
        "Measure what a backbone knows of quality.",
    ),
    "teacher": Place(f"{_COMMANDS}.training_commands", "teacher", "Train a teacher."),
    "pseudo-label": Place(
        f"{_COMMANDS}.training_commands", "pseudo_label", "Let a teacher label faces that cannot be measured."
    ),
    "teacher-outputs": Place(
        f"{_COMMANDS}.training_commands", "teacher_outputs", "Compute a teacher's outputs for its students."
    ),
    "student": Place(f"{_COMMANDS}.training_commands", "student", "Train a student."),
    "cause-head": Place(
        f"{_COMMANDS}.training_commands", "cause_head", "Train a student's second output alone."
    ),
    "evaluate": Place(f"{_COMMANDS}.evaluation_commands", "evaluate", "Measure a student on the val ladder."),
    "evaluation-page": Place(
        f"{_COMMANDS}.evaluation_commands", "evaluation_page", "Write the tables of docs/evaluation.md."
    ),
    "compare": Place(f"{_COMMANDS}.evaluation_commands", "compare", "Compare students on one plot."),
    "export": Place(f"{_COMMANDS}.release_commands", "export", "Export a student to the server's assets."),
    "unfold": Place(
        f"{_COMMANDS}.release_commands", "unfold_model", "Make a run of an exported student again."
    ),
    "probe-crops": Place(
        f"{_COMMANDS}.release_commands", "probe_crops", "Make the crops for probing precisions."
    ),
    "challenge": Place(f"{_COMMANDS}.challenge_commands", "challenge", "Train a system of the challenge."),
    "winner": Place(f"{_COMMANDS}.challenge_commands", "winner", "Go the whole way of the winner."),
    "evaluate-images": Place(
        f"{_COMMANDS}.challenge_commands", "evaluate_images", "Measure any model on pictures with scores."
    ),
    "scored-images": Place(
        f"{_COMMANDS}.challenge_commands", "scored_images", "Write labelled crops as pictures with scores."
    ),
    "systems": Place(f"{_COMMANDS}.system_commands", "systems", "Train all systems under one protocol."),
    "key-points": Place(
        f"{_COMMANDS}.system_commands", "key_points", "Find where faces have their features, for njupt."
    ),
    "systems-page": Place(f"{_COMMANDS}.system_commands", "systems_page", "Write docs/systems.md."),
    "table1": Place(f"{_COMMANDS}.system_commands", "table1", "Measure trained systems, into one table."),
    "contact-sheet": Place(f"{_COMMANDS}.data_commands", "contact_sheet", "Draw labelled crops, sorted."),
    "noise-anchor": Place(f"{_COMMANDS}.data_commands", "noise_anchor", "Print the anchor of noise."),
    "call-clips": Place(
        f"{_COMMANDS}.cause_commands", "call_clips", "Measure faces in calls that get worse."
    ),
    "compare-gains": Place(
        f"{_COMMANDS}.cause_commands", "compare_gains", "Compare two measures of what a cause costs."
    ),
    "count-crops": Place(f"{_COMMANDS}.cause_commands", "count_store", "Count the crops of a store."),
}
"""Subcommands in the order in which a person comes to need them."""


class _LazyGroup(click.Group):
    """A group that knows its subcommands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name, place in COMMANDS.items() if _exists(place.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None or not _exists(place.module):
            return None
        command: click.Command = getattr(importlib.import_module(place.module), place.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make students: labels, teachers, training, evaluation, export.

    `--run` is a name below CACHE/runs; `--start-from` and `--teacher` take a run's name or a file's path.
    Every training resumes after a kill when the same command is given again.
    """
