"""Measure the anchor of noise: the VMAF that coded crops have at each GMSD.

    python -m facegauge_training.data.noise_anchor --cache ~/.cache/facegauge

Noise adds structure that is not there, as coding does (blocks, ringing) and blur does not; so the crops that
are coded and nothing else say what a GMSD is worth. Medians, made monotone; the table goes into
`received.NOISE_ANCHOR`.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.store import CropSet

__all__ = ["main"]

OTHERS = ("stops", "noise", "defocus", "motion", "loss", "sharpen")


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
def main(cache: Path) -> None:
    """Print the median VMAF/100 of crops that are only coded, by GMSD."""
    crops = CropSet(train_stores(cache.expanduser()))
    coded = [
        r for r in crops.rows if r["codec"] and r["lines"] == 720 and not any(r.get(name) for name in OTHERS)
    ]
    deviation = np.array([row["gmsd"] for row in coded])
    share = np.array([row["vmaf"] for row in coded])
    for at in np.arange(0.0, 0.25, 0.02):
        near = np.abs(deviation - at) < 0.01
        if near.sum() >= 5:
            low, middle, high = np.percentile(share[near], (25, 50, 75))
            click.echo(f"gmsd {at:.2f}: VMAF/100 {middle:.3f} ({low:.3f} to {high:.3f}, {near.sum()} crops)")


if __name__ == "__main__":
    main()
