"""The command with its subcommands; failures end with one sentence."""

from __future__ import annotations

from typing import Any

import click

from facegauge_client.cli.assess import assess
from facegauge_client.cli.calibrate import calibrate
from facegauge_client.cli.demo import demo
from facegauge_client.cli.events import events
from facegauge_client.cli.replay import replay
from facegauge_client.cli.top import top
from facegauge_client.sdk.errors import FacegaugeError, Unauthenticated

__all__ = ["command"]


TOKEN_HINT = """
Hand a token over with --token-file FILE or in FACEGAUGE_TOKEN. Whoever runs the server makes one with
`facegauge-token issue`."""  # noqa: S105 - a sentence


class _Group(click.Group):
    """Ends with one sentence and exit code 1 for what the SDK and the commands raise on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (FacegaugeError, BaseExceptionGroup) as error:
            expected = _first(error)
            if expected is None:
                raise
            if isinstance(expected, click.ClickException):
                raise expected from None
            hint = TOKEN_HINT if isinstance(expected, Unauthenticated) else ""
            raise click.ClickException(f"{expected}{hint}") from None


def _first(error: BaseException) -> FacegaugeError | click.ClickException | None:
    """Return the first expected error, within groups too; None where one of the errors is not expected."""
    if isinstance(error, FacegaugeError | click.ClickException):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [_first(item) for item in error.exceptions]
    return found[0] if all(found) else None


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  facegauge demo                        a synthetic call whose quality falls and recovers
  facegauge replay call.mp4             play a recording to a server and watch its quality
  facegauge assess portrait.jpg         score one picture
  facegauge top                         the live streams of a server, worst first
  facegauge events                      what happens to streams, as JSON lines
  facegauge calibrate ratings.csv ...   your own viewers' ratings, for opinion scores beside quality

A server must run (`facegauge-server`), except for `demo`, which starts its own, and `calibrate`.""",
)
@click.version_option(package_name="facegauge-client", prog_name="facegauge")
def command() -> None:
    """Measure how good each person in a video call looks to the others."""


command.add_command(replay)
command.add_command(assess)
command.add_command(top)
command.add_command(events)
command.add_command(demo)
command.add_command(calibrate)
