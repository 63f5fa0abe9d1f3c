"""The report's file: whole or not there, and no other file the worse for it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from facegauge_client.cli.output import new_file


def test_the_file_appears_as_it_is_written(tmp_path: Path) -> None:
    """Nothing lies beside it, neither before nor after, and what was there stays until then."""
    path = tmp_path / "call.html"
    path.write_text("older")
    with new_file(path, "--report") as write:
        assert path.read_text() == "older"
        write("newer")
        assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_where_nothing_was_written(tmp_path: Path) -> None:
    """A replay that fails before its first frame leaves no empty page."""
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "call.html", "--report"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nowhere/call.html", "file/call.html", f"{'a' * 300}.html"])
def test_a_path_that_cannot_be_written_is_bad_usage_at_once(tmp_path: Path, name: str) -> None:
    """No such folder, a file in a folder's place, a name that is too long."""
    (tmp_path / "file").touch()
    with pytest.raises(click.UsageError, match="choose another --report"):
        with new_file(tmp_path / name, "--report"):
            pytest.fail("nothing may be played")


def test_a_disk_that_is_full_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and no half of a page."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(click.ClickException, match=r"cannot write .*No space left"):
        with new_file(tmp_path / "call.html", "--report") as write:
            write("page")
    assert list(tmp_path.iterdir()) == []
