"""`python -m facegauge_server` is `facegauge-server`."""

from facegauge_server.cli import command

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    command(prog_name="facegauge-server")


if __name__ == "__main__":
    main()
