"""The command with its subcommands; failures end with one sentence."""

from __future__ import annotations

from typing import Any

import click

from facegauge_client import FacegaugeError
from facegauge_gateway.cli.rtp import rtp
from facegauge_gateway.cli.ui import ui
from facegauge_gateway.cli.whip import whip
from facegauge_gateway.errors import BadConfiguration, GatewayError

__all__ = ["command"]


class _Group(click.Group):
    """Ends with one sentence and exit code 1, or 2 for a wrong flag, for what is raised on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (FacegaugeError, GatewayError, BaseExceptionGroup) as error:
            expected = _first(error)
            if expected is None:
                raise
            if isinstance(expected, BadConfiguration):
                raise click.UsageError(str(expected)) from None
            raise click.ClickException(str(expected)) from None


def _first(error: BaseException) -> FacegaugeError | GatewayError | None:
    """Return the first expected error, within groups too; None where one of the errors is not expected."""
    if isinstance(error, FacegaugeError | GatewayError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [_first(item) for item in error.exceptions]
    return found[0] if all(found) else None


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A Facegauge server must run (`facegauge-server`).",
)
@click.version_option(package_name="facegauge-gateway", prog_name="facegauge-gateway")
def command() -> None:
    """Bring real calls to a Facegauge server: what media servers and browsers send is forwarded as it is."""


command.add_command(rtp)
command.add_command(whip)
command.add_command(ui)
