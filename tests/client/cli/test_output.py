"""Output files: whole or not there, no other file damaged, and a full disk is one sentence."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from facegauge_client import Assessment
from facegauge_client.cli.output import json_lines, new_file


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


def test_a_disk_that_is_full_at_the_end_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and no half of a page."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(click.ClickException, match=r"cannot write .*No space left"):
        with new_file(tmp_path / "call.html", "--report") as write:
            write("page")
    assert list(tmp_path.iterdir()) == []


def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    """A pipe, a folder, a device: usage errors, and nothing is replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/full")):
        with pytest.raises(click.UsageError, match="not a regular file; choose another --report"):
            with new_file(path, "--report"):
                pytest.fail("nothing may be played")
    assert pipe.is_fifo()


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    """A link to a device is as the device itself."""
    (tmp_path / "pages").mkdir()
    page, link = tmp_path / "pages" / "call.html", tmp_path / "latest.html"
    page.write_text("older")
    link.symlink_to(page)
    with new_file(link, "--report") as write:
        write("newer")
    assert link.is_symlink()
    assert page.read_text() == "newer"
    to_device = tmp_path / "device.html"
    to_device.symlink_to("/dev/null")
    with pytest.raises(click.UsageError, match="not a regular file"), new_file(to_device, "--report"):
        pytest.fail("nothing may be played")


class DiskThatFills:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, path: Path, room: int) -> None:
        self._file = path.open("wb", buffering=0)
        self._room = room

    def write(self, data: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._file.write(data[: self._room])
        self._room -= written
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> DiskThatFills:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_full_disk_keeps_the_lines_that_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence; each line in the file is whole, though the last one was written in part."""
    path = tmp_path / "out.jsonl"
    line = len(Assessment("a").to_json()) + 1
    disk = DiskThatFills(path, room=2 * line + 7)
    monkeypatch.setattr(Path, "open", lambda *_, **__: disk)
    with pytest.raises(click.ClickException, match=r"cannot write .*out\.jsonl: No space left"):
        with json_lines(path) as write:
            for _ in range(9):
                write(Assessment("a"))
    monkeypatch.undo()
    lines = path.read_text().splitlines()
    assert [json.loads(text)["stream_id"] for text in lines] == ["a", "a"]


@pytest.mark.parametrize("path", ["/dev/full", "-"])
def test_a_full_device_ends_the_command_with_one_sentence(path: str) -> None:
    """Exit code 1, and no traceback: by a file's name, and on standard output."""
    program = (
        "import sys, asyncio, click; from pathlib import Path;"
        "from facegauge_client import Assessment; from facegauge_client.cli.main import _Group;"
        "from facegauge_client.cli.output import json_lines\n"
        "async def work(write):\n"
        "    async with asyncio.TaskGroup() as tasks: tasks.create_task(one(write))\n"
        "async def one(write): write(Assessment('a'))\n"
        "@click.group(cls=_Group)\n"
        "def main(): pass\n"
        "@main.command()\n"
        "@click.argument('path')\n"
        "def save(path):\n"
        "    with json_lines(Path(path)) as write: asyncio.run(work(write))\n"
        "main()"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "save", path], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    where = "standard output" if path == "-" else path
    assert done.stderr == f"Error: cannot write {where}: No space left on device\n"
