"""Print what a store holds: crops by source, and by the causes that they show.

python -m facegauge_training.data.count_crops --store ~/.cache/facegauge/causes-1
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from facegauge_training.data.causes import causes_of
from facegauge_training.data.crop_set import CropSet, chain_of

__all__ = ["count", "main"]


def count(crops: CropSet) -> dict[str, Counter[str]]:
    """Return the number of crops by `source`, by `causes` (joined by " + ") and by `variety`."""
    return {
        "source": Counter(row["source"] for row in crops.rows),
        "causes": Counter(" + ".join(causes_of(chain_of(row))) or "none" for row in crops.rows),
        "variety": Counter(row.get("variety", "none") for row in crops.rows),
    }


@click.command()
@click.option("--store", type=click.Path(path_type=Path), required=True, help="Folder of labelled crops.")
def main(store: Path) -> None:
    """Print how many crops a store holds of each kind."""
    crops = CropSet([store.expanduser()])
    for name, numbers in count(crops).items():
        table = Table(name, "crops", "share")
        for value, number in numbers.most_common():
            table.add_row(value, str(number), f"{number / len(crops):.1%}")
        Console().print(table)
    click.echo(f"{len(crops)} crops of {len(set(crops.clips))} clips")


if __name__ == "__main__":
    main()
