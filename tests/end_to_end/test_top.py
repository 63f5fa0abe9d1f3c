"""`facegauge top` in a terminal, against a real server with real streams."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.real_call.programs import free_port
from facegauge_client.sync import Client
from tests.local_stack import find_program, until

from .conftest import ServerProcess, StartServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

STYLE = re.compile(r"\x1b\[[0-9;]*m")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""What a program sends to take the terminal's second screen, and to give the first one back."""


class Terminal:
    """A terminal of its own for one program, and what the program has put on it."""

    def __init__(self, *command: str, columns: int = 100, lines: int = 30) -> None:
        self._near, self._far = os.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self._far)
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.program = subprocess.Popen(
            [find_program("setsid"), "--ctty", *command],
            stdin=self._far,
            stdout=self._far,
            stderr=self._far,
            env={**environment, "TERM": "xterm-256color"},
        )
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._written.endswith(b"the end of the test"):
            self._written += os.read(self._near, 65536)

    @property
    def written(self) -> str:
        return self._written.decode(errors="replace")

    def screen(self) -> list[str]:
        """What stands on the second screen: the last whole picture, without its styles."""
        pictures = self.written.split(ENTER)[-1].split(LEAVE)[0].split("\x1b[H")
        whole = [picture for picture in pictures if picture.count("\n") == self._lines - 1]
        return [STYLE.sub("", line).rstrip() for line in whole[-1].split("\n")] if whole else []

    def resize(self, columns: int, lines: int) -> None:
        self._lines = lines
        fcntl.ioctl(self._near, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, key: bytes) -> None:
        os.write(self._near, key)

    @property
    def attributes(self) -> list[object]:
        return termios.tcgetattr(self._far)

    def close(self) -> None:
        self.program.kill()
        self.program.wait(60)
        os.write(self._far, b"the end of the test")
        self._reader.join()
        os.close(self._near)
        os.close(self._far)


@contextmanager
def terminal(*command: str, columns: int = 100, lines: int = 30) -> Iterator[Terminal]:
    opened = Terminal(*command, columns=columns, lines=lines)
    try:
        yield opened
    except BaseException:
        print("\n".join(opened.screen()), opened.written[-2000:])  # pytest shows it with the failure
        raise
    finally:
        opened.close()


@contextmanager
def live_streams(target: str, picture: bytes, *stream_ids: str) -> Iterator[None]:
    """Streams that send a frame five times a second, and come back by themselves where the server does."""
    over = threading.Event()

    def talk(client: Client, stream_id: str) -> None:
        with client.monitor(stream_id=stream_id, call_id="standup") as stream:
            for number in itertools.count():
                stream.send(picture, capture_time_s=number / 5)
                if over.wait(0.2):
                    return

    with Client(target) as client:
        people = [threading.Thread(target=talk, args=(client, name)) for name in stream_ids]
        for person in people:
            person.start()
        try:
            yield
        finally:
            over.set()
            for person in people:
                person.join()


def shows(watched: Terminal, *words: str) -> bool:
    screen = "\n".join(watched.screen())
    return all(word in screen for word in words)


def test_the_view_outlives_the_server_and_q_ends_it(
    facegauge: str, start_server_process: StartServerProcess, portrait_jpeg: bytes
) -> None:
    """Killed, the server leaves its last list in grey; back on its port, the list goes on. Exit code 0.

    The picture never changes, which is a freeze: the stream's cause stands beside it with its seconds.
    """
    port = f"127.0.0.1:{free_port()}"
    server = start_server_process("--listen", port)
    with live_streams(port, portrait_jpeg, "camera-1"), terminal(facegauge, "top", "--server", port) as top:
        until(
            lambda: shows(top, f"connected to {port}", "1 live", "camera-1", "scored"), "the stream is seen"
        )
        named = re.compile(r" freeze \d[\d.]* s ")
        until(lambda: any(map(named.search, top.screen())), "its cause is named")
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: shows(top, f"server at {port} went down, trying again", "camera-1"), "the loss is told")
        start_server_process("--listen", port)
        until(
            lambda: shows(top, f"connected to {port}", "1 live", "camera-1", "scored"), "the stream is back"
        )
        assert top.program.poll() is None
        top.press(b"xq")
        assert top.program.wait(60) == 0
        assert top.attributes == top.before
        until(lambda: LEAVE in top.written.split(ENTER)[-1], "the first screen is back")
        assert "Traceback" not in top.written


def test_a_resized_terminal_gets_what_fits_and_ctrl_c_ends_it(
    facegauge: str, server: ServerProcess, portrait_jpeg: bytes
) -> None:
    """Low, it asks for the worst stream alone; higher, for both; narrow, for fewer columns. Exit code 0."""
    with (
        live_streams(server.listen, portrait_jpeg, "camera-1", "camera-2"),
        terminal(facegauge, "top", "--server", server.listen, "--interval", "0.2", lines=4) as top,
    ):
        until(lambda: shows(top, "2 live", "the worst 1 shown", "drops"), "a line is shown")
        top.resize(columns=100, lines=12)
        until(lambda: shows(top, "camera-1", "camera-2") and not shows(top, "shown"), "both are shown")
        top.resize(columns=40, lines=12)
        until(lambda: shows(top, "camera-1", "history") and not shows(top, "drops"), "the columns fit")
        assert len(top.screen()) == 12
        assert max(map(len, top.screen())) <= 40
        top.press(b"\x03")
        assert top.program.wait(60) == 0
        assert top.attributes == top.before
        assert "Traceback" not in top.written


def test_a_server_that_is_not_there_at_the_start_is_one_sentence(facegauge: str) -> None:
    """In a terminal too: no view, exit code 1."""
    with terminal(facegauge, "top", "--server", "127.0.0.1:1") as top:
        assert top.program.wait(60) == 1
        until(lambda: "no Facegauge server answers at 127.0.0.1:1" in top.written, "the sentence is there")
        assert ENTER not in top.written
        assert top.attributes == top.before
