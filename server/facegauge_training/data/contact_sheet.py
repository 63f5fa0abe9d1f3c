"""Draw a contact sheet of labelled crops, sorted by label, for a person to look at.

Keep the picture out of the repository: it shows the photos that the labels were made from.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.causes import CAUSES
from facegauge_training.data.crop_set import CropSet

__all__ = ["draw_contact_sheet"]

TILE = (180, 240)  # width, height
CAPTION = 49
"""Height, px, of the lines under a tile."""


def draw_contact_sheet(
    crops: CropSet, out: Path, columns: int, rows: int, seed: int, only: str | None = None
) -> tuple[float, float, int]:
    """Write a PNG of crops sorted by label; return the highest and the lowest label, and how many crops.

    Args:
        crops: labelled.
        out: of the picture.
        columns: of the sheet.
        rows: of the sheet.
        seed: draws the crops.
        only: a field of the chain, for instance "noise": crops without it are left out.

    Raises:
        RecipeError: no crop has that field set, or the picture cannot be written.
    """
    chosen = np.array([i for i, row in enumerate(crops.rows) if only is None or row.get(only)])
    if not len(chosen):
        raise RecipeError(f"No crop has {only!r} set: give another --only, or leave it out.")
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
        raise RecipeError(f"{out} cannot be written: give a path that ends in .png in a folder that exists.")
    return float(crops.labels[drawn[0]]), float(crops.labels[drawn[-1]]), len(drawn)
