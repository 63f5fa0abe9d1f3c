"""The command `facegauge-gateway`: one module a subcommand."""

from facegauge_gateway.cli.main import command

__all__ = ["command"]
