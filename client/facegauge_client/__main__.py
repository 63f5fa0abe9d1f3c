"""`facegauge`, also as `python -m facegauge_client`."""

from __future__ import annotations

from facegauge_client.cli import command

__all__ = ["main"]


def main() -> None:
    """Run the command line; exits 0 for success, 1 for a failure, 2 for a wrong usage."""
    command(prog_name="facegauge")


if __name__ == "__main__":
    main()
