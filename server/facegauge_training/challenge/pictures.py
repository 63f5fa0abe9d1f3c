"""Read a folder of pictures and a CSV of their scores, and report every line that is wrong.

The CSV has the columns `image` (a file's name below the folder) and `score` (0-1, 1 best). A third,
`group`, is optional: rows of one group (the same face, the same clip) are held out together or not at all.
Other columns are ignored.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from facegauge_training.common.atomic import write_text
from facegauge_training.common.errors import RecipeError

__all__ = ["MIN_ROWS", "Pictures", "Rows", "fingerprint", "hold_out", "read_pictures", "write_table"]

MIN_ROWS = 8
"""Fewest rows of which a correlation says something."""
SHOWN = 12


class Rows(Protocol):
    """Pictures with scores, by number, wherever they are kept."""

    @property
    def names(self) -> tuple[str, ...]:
        """One of its own for each."""

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """(n,), 0-1."""

    @property
    def groups(self) -> tuple[str, ...]:
        """What each belongs to: rows of one group are held out together or not at all."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> npt.NDArray[np.uint8]:
        """Return the pixels, RGB (height, width, 3)."""

    def take(self, chosen: npt.NDArray[np.intp]) -> Self:
        """Return the chosen ones alone."""

    def fingerprint(self) -> str:
        """Return a hash of names and scores: a resumed run must have the same."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures with scores, by number; pixels are read when they are asked for."""

    folder: Path
    table: Path
    names: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    """(n,), 0-1."""
    groups: tuple[str, ...]
    lines: tuple[int, ...]
    """Line numbers in the CSV, for messages."""
    left_out: int = 0
    """Bad lines that were skipped by --skip-bad."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> npt.NDArray[np.uint8]:
        """Return the pixels, RGB (height, width, 3).

        Raises:
            RecipeError: the file has gone or broke since it was checked.
        """
        picture = _decode(self.folder / self.names[i])
        if picture is None:
            path = self.folder / self.names[i]
            line = "" if Path(self.names[i]).is_absolute() else f"{self.table} line {self.lines[i]}: "
            raise RecipeError(
                f"{line}{path} can no longer be read. "
                "Restore the file, then start the same command again: it resumes where it was."
            )
        return picture

    def take(self, chosen: npt.NDArray[np.intp]) -> Pictures:
        """Return the chosen ones alone."""
        return Pictures(
            self.folder,
            self.table,
            tuple(self.names[i] for i in chosen),
            self.scores[chosen],
            tuple(self.groups[i] for i in chosen),
            tuple(self.lines[i] for i in chosen),
        )

    def join(self, more: Pictures) -> Pictures:
        """Return these, then others whose names are absolute paths."""
        return Pictures(
            self.folder,
            self.table,
            self.names + more.names,
            np.concatenate([self.scores, more.scores]),
            self.groups + more.groups,
            self.lines + more.lines,
            self.left_out,
        )

    def elsewhere(self) -> Pictures:
        """Return these under absolute names, and in groups of their own, to be joined with others."""
        return replace(
            self,
            names=tuple(str((self.folder / name).resolve()) for name in self.names),
            groups=tuple(f"{self.table}: {group}" for group in self.groups),
        )

    def fingerprint(self) -> str:
        """Return a hash of these pictures' names and scores: a resumed run must have the same."""
        return fingerprint(self)


def read_pictures(
    folder: Path, table: Path, *, skip_bad: bool = False, decode: bool = True, least: int = MIN_ROWS
) -> Pictures:
    """Read the CSV and check every line.

    Args:
        folder: of the pictures.
        table: the CSV.
        skip_bad: leave bad lines out and count them, instead of raising.
        decode: read every picture once, so that a broken one is reported now rather than in an hour.
        least: rows that must be left.

    Raises:
        RecipeError: a missing folder, file or column, any bad line, or too few rows.
    """
    if not folder.is_dir():
        raise RecipeError(f"There is no folder {folder}: point --images at the pictures.")
    if not table.is_file():
        raise RecipeError(f"There is no {table}: point --labels at a CSV with the columns image and score.")
    names, scores, groups, lines = [], [], [], []
    bad: list[str] = []
    seen: dict[str, int] = {}
    with table.open(newline="", encoding="utf-8-sig") as text:
        rows = csv.DictReader(text)
        missing = [name for name in ("image", "score") if name not in (rows.fieldnames or ())]
        if missing:
            has = ", ".join(rows.fieldnames or ()) or "nothing"
            raise RecipeError(
                f"{table} has no column {' and no column '.join(missing)} (it has: {has}). "
                "Name the columns image,score in its first line."
            )
        for row in track(rows, f"checking {table.name}", transient=True, disable=not decode):
            name, score = row["image"] or "", _score(row["score"])
            wrong = _what_is_wrong(folder / name, name, score, row["score"], seen, decode)
            if wrong:
                bad.append(f"line {rows.line_num}: {wrong}")
                continue
            seen[name] = rows.line_num
            names.append(name)
            scores.append(score)
            groups.append(row.get("group") or name)
            lines.append(rows.line_num)
    if bad and not skip_bad:
        more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise RecipeError(
            f"{len(bad)} bad lines in {table}:\n  " + "\n  ".join(bad[:SHOWN]) + more + "\nCorrect them, or "
            "give --skip-bad to leave them out."
        )
    if len(names) < least:
        raise RecipeError(f"{table} has {len(names)} usable rows, at least {least} are needed: add some.")
    return Pictures(
        folder, table, tuple(names), np.array(scores, np.float32), tuple(groups), tuple(lines), len(bad)
    )


def write_table(table: Path, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Write a CSV of scores, whole or not at all.

    Raises:
        RecipeError: the disk does not take it.
    """
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(head)
    lines.writerows(rows)
    write_text(table, text.getvalue())


def fingerprint(rows: Rows) -> str:
    """Return a hash of rows' names and scores."""
    digest = hashlib.sha256("\n".join(rows.names).encode())
    digest.update(rows.scores.tobytes())
    return digest.hexdigest()[:16]


def hold_out(pictures: Rows, share: float) -> npt.NDArray[np.bool_]:
    """Mark, bool (n,), the rows of the groups that are held out: decided by each group's name alone.

    A row keeps its side when rows are added. Where the names happen to fall on one side only, the group
    nearest to the border changes it, so that neither side is empty.

    Raises:
        RecipeError: all rows are of one group.
    """
    drawn = {g: int(hashlib.sha256(g.encode()).hexdigest()[:8], 16) / 2**32 for g in pictures.groups}
    if len(drawn) < 2:
        raise RecipeError("All rows are of one group: nothing can be held out. Add rows of other groups.")
    border = min(max(share, min(drawn.values()) + 1e-9), max(drawn.values()))
    return np.array([drawn[group] < border for group in pictures.groups])


def _decode(path: Path) -> npt.NDArray[np.uint8] | None:
    data = np.fromfile(path, dtype=np.uint8) if path.is_file() else np.empty(0, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    return None if picture is None else np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)


def _score(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _what_is_wrong(
    path: Path, name: str, score: float, text: str | None, seen: dict[str, int], decode: bool
) -> str:
    if not name:
        return "no image is named"
    if name in seen:
        return f"{name} stands in line {seen[name]} already"
    if not math.isfinite(score):
        return f"the score {text!r} is no number"
    if not 0 <= score <= 1:
        return f"the score {text} is not within 0 and 1"
    if not path.is_file():
        return f"there is no {path}"
    if decode and _decode(path) is None:
        return f"{path} is no readable picture"
    return ""
