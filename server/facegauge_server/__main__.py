"""`python -m facegauge_server` is `facegauge-server`."""

from facegauge_server.monitoring.signals import SignalThread

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    SignalThread.block()  # before the imports below start threads of their own
    from facegauge_server.cli import command

    command(prog_name="facegauge-server")


if __name__ == "__main__":
    main()
