"""The command `facegauge`: one module a subcommand."""

from facegauge_client.cli.main import command

__all__ = ["command"]
