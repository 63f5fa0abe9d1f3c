"""`python -m facegauge_training`: the command `facegauge-train`."""

from __future__ import annotations

from facegauge_training.cli import main

if __name__ == "__main__":
    main(prog_name="facegauge-train")
