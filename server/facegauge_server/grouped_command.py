"""A click command whose flags stand in groups, and which keeps the arguments that it was given."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["GENERAL", "GIVEN", "GroupedCommand", "Option"]

GENERAL = "General"
"""The group of what has none, the last one."""
GIVEN = "facegauge_server.given"
"""Where the context's `meta` keeps the arguments."""


class Option(click.Option):
    """A flag that stands in a group of the help."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help lists its flags in groups, and which keeps what it was given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, and keep them for replicas."""
        ctx.meta[GIVEN] = tuple(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group, in the order of their first flags."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(parameter, "group", GENERAL), []).append(record)
        for name, records in sorted(groups.items(), key=lambda item: item[0] == GENERAL):
            with formatter.section(name):
                formatter.write_dl(records)
