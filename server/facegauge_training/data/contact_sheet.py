"""Draw a contact sheet of labelled crops, sorted by label, to be looked at by a person.

    python -m facegauge_training.data.contact_sheet --store ~/.cache/facegauge/ladder-1 --out sheet.png

Keep the picture out of the repository: it shows the photos that the labels were made from.
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np

from facegauge_training.data.causes import CAUSES
from facegauge_training.data.store import read_store

__all__ = ["main"]

TILE = (180, 240)  # width, height
CAPTION = 49
"""Height, px, of the lines under a tile."""


@click.command()
@click.option("--store", type=click.Path(path_type=Path), required=True, help="Folder of labelled crops.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG to write.")
@click.option("--columns", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--rows", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--only", help="Only crops in whose chain this field is set, e.g. noise.")
def main(store: Path, out: Path, columns: int, rows: int, seed: int, only: str | None) -> None:
    """Draw a contact sheet of crops sorted by label."""
    crops = read_store(store.expanduser())
    chosen = np.array([i for i, row in enumerate(crops.rows) if only is None or row.get(only)])
    if not len(chosen):
        raise click.UsageError(f"no crop of {store} has {only!r} set")
    rng = np.random.default_rng(seed)
    drawn = rng.choice(chosen, min(columns * rows, len(chosen)), replace=False)
    drawn = drawn[np.argsort(-crops.labels[drawn])]
    sheet = np.zeros((-(-len(drawn) // columns) * (TILE[1] + CAPTION), columns * TILE[0], 3), np.uint8)
    for place, i in enumerate(int(i) for i in drawn):
        top, left = place // columns * (TILE[1] + CAPTION), place % columns * TILE[0]
        tile = cv2.resize(crops[i], TILE, interpolation=cv2.INTER_AREA)
        sheet[top : top + TILE[1], left : left + TILE[0]] = tile[:, :, ::-1]
        row = crops.rows[i]
        measured = f"v{row['vmaf']:.2f} g{row['gmsd']:.2f}" if "vmaf" in row else str(row["labelled_by"])
        first = f"{crops.labels[i]:.2f} {measured}"
        parts = [
            f"{row['codec']}{row['quality'] or ''}" if row["codec"] else "",
            f"{row['kbps']}k" if row.get("kbps") else "",
            f"L{row['lines']}" if row["lines"] < 720 else "",
        ]
        parts += [f"{name[0]}{row[name]:g}" for name in ("stops", "noise", "defocus", "motion") if row[name]]
        extra = ("loss_kind", "loss", "denoise", "sharpen", "beauty", "variety")
        parts += [f"{name[:3]}{row[name]}" for name in extra if row.get(name)]
        gained = sorted(zip(crops.shares[i], crops.gains[i], CAUSES, strict=True), reverse=True)
        why = " ".join(f"{cause[:4]} {share:.2f}/{gain:.2f}" for share, gain, cause in gained if share > 0)
        for line, text in enumerate((first, " ".join(part for part in parts if part), why)):
            place_ = (left + 2, top + TILE[1] + 13 + 15 * line)
            cv2.putText(sheet, text, place_, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA)
    if not cv2.imwrite(str(out), sheet):
        raise click.UsageError(f"cannot write {out}: give a path that ends in .png in a folder that exists")
    click.echo(
        f"{out}: {len(drawn)} crops, from {crops.labels[drawn[0]]:.2f} down to {crops.labels[drawn[-1]]:.2f}"
    )


if __name__ == "__main__":
    main()
