"""Files that an operator changes while the server runs: keys, tokens, certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from facegauge_server.errors import BadConfiguration
from facegauge_server.safe_log import SafeLog

__all__ = ["REREAD_INTERVAL_S", "WatchedFiles"]

REREAD_INTERVAL_S = 1.0
"""Shortest time between two looks at the files' modification times."""

T = TypeVar("T")
Stamp = tuple[tuple[int, int, int], ...]


class WatchedFiles(Generic[T]):
    """A value parsed from one or more files, parsed again when one of them changes.

    What cannot be parsed when the server starts stops it. Later, a damaged or missing file is logged and the
    value stays as it was, so that a slip locks nobody out.
    """

    def __init__(self, flag: str, paths: tuple[Path, ...], parse: Callable[[], T]) -> None:
        """Read the files.

        Args:
            flag: that names the files, for messages.
            paths: to watch.
            parse: reads them; raises OSError, or BadConfiguration with what is wrong.

        Raises:
            BadConfiguration: a file cannot be read, or its content is wrong.
        """
        self._flag = flag
        self._paths = paths
        self._parse = parse
        self._log = SafeLog(flag=flag)
        self._checked_s: float | None = None
        self._stamp, self._value = self._read()

    def current(self, now_s: float) -> T:
        """Return the value, at most `REREAD_INTERVAL_S` old; `now_s` is monotonic time, seconds."""
        if self._checked_s is None:
            self._checked_s = now_s
        elif now_s - self._checked_s >= REREAD_INTERVAL_S:
            self._checked_s = now_s
            self.reread()
        return self._value

    @property
    def value(self) -> T:
        """The value as it was read last."""
        return self._value

    def reread(self) -> bool:
        """Parse the files again if one has changed; return whether the value is a new one."""
        try:
            if self._stamps() == self._stamp:
                return False
            self._stamp, self._value = self._read()
        except (OSError, BadConfiguration) as error:
            self._log.error("file not reread", reason=str(error))
            return False
        self._log.info("file reread")
        return True

    def _read(self) -> tuple[Stamp, T]:
        try:
            stamp = self._stamps()  # before parsing: a change in between is found the next time
            return stamp, self._parse()
        except OSError as error:
            raise BadConfiguration(f"{self._flag}: cannot read {error.filename}: {error.strerror}") from error

    def _stamps(self) -> Stamp:
        statuses = [path.stat() for path in self._paths]
        return tuple((status.st_mtime_ns, status.st_size, status.st_ino) for status in statuses)
