"""`facegauge-gateway`, also as `python -m facegauge_gateway`."""

from __future__ import annotations

from facegauge_gateway.cli import command

__all__ = ["main"]


def main() -> None:
    """Run the command line; exits 0 after a drain, 1 for a failure, 2 for a wrong usage."""
    command(prog_name="facegauge-gateway")


if __name__ == "__main__":
    main()
