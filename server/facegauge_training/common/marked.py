"""Write generated text into a page that is otherwise written by hand, between two marks of one name."""

from __future__ import annotations

from pathlib import Path

from facegauge_training.common.atomic import write_text
from facegauge_training.common.errors import RecipeError

__all__ = ["between_marks", "put_marked"]


def put_marked(path: Path, texts: dict[str, str]) -> None:
    """Replace what is between the marks `<!-- NAME -->` and `<!-- /NAME -->` of a file, for every name.

    Raises:
        RecipeError: the file or a mark is missing; it is left as it was.
    """
    if not path.is_file():
        raise RecipeError(f"There is no {path}: name a page that has the marks {', '.join(texts)}.")
    page = path.read_text(encoding="utf-8")
    for name, text in texts.items():
        page = between_marks(page, name, text, str(path))
    write_text(path, page)


def between_marks(page: str, name: str, text: str, where: str) -> str:
    """Return a page with the text between the marks of a name.

    Raises:
        RecipeError: they are missing; `where` says of what.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise RecipeError(f"{where} has no lines {begin!r} and {end!r} for what is written: add them.")
    return f"{before}{begin}\n{text}\n{end}{after}"
