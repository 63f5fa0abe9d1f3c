"""The group of the subcommands, and how their failures end."""

from __future__ import annotations

from typing import Any

import click

from facegauge_client.cli.assess import assess
from facegauge_client.cli.demo import demo
from facegauge_client.cli.replay import replay
from facegauge_client.cli.top import top
from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["command"]


class _Group(click.Group):
    """Ends with one sentence and exit code 1 for what the SDK raises on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except* FacegaugeError as group:
            raise click.ClickException(str(_first(group))) from None


def _first(group: BaseExceptionGroup[FacegaugeError]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  facegauge demo                        a call of our own making, its quality falling and recovering
  facegauge replay call.mp4             play a recording to a server and watch its quality
  facegauge assess portrait.jpg         score one picture
  facegauge top                         the live streams of a server, worst first

A server must run (`facegauge-server`), except for `demo`, which starts its own.""",
)
@click.version_option(package_name="facegauge-client", prog_name="facegauge")
def command() -> None:
    """Gauge how good each person in a video call looks to the others."""


command.add_command(replay)
command.add_command(assess)
command.add_command(top)
command.add_command(demo)
