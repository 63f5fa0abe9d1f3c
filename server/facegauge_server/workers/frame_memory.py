"""The bytes of a frame, and crops on their way back, in memory that the server and one worker share.

A file in memory without a name, so nothing stays behind whoever dies. The server alone changes its size; the
seal against shrinking keeps a worker from taking mapped pages away from under the server.
"""

from __future__ import annotations

import fcntl
import mmap
import os

__all__ = ["FrameMemory", "FrameMemoryView"]

KEPT_BYTES = 4 * 1024 * 1024
"""What stays in memory whatever comes; a frame of full HD as I420 has 3.1 million bytes."""


class FrameMemory:
    """The server's end: owns the file."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("facegauge-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.size = mmap.PAGESIZE
        os.ftruncate(self.fd, self.size)
        self._map = mmap.mmap(self.fd, self.size)
        self._is_large = False

    def write(self, data: bytes, least_size: int) -> None:
        """Put a frame at the start; the memory grows to hold it, and `least_size` bytes in any case.

        Pages beyond `KEPT_BYTES` stay while large frames come one after another, as new ones cost ten times
        what copying does; the first smaller frame gives them back.
        """
        needed = max(len(data), least_size)
        if needed > self.size:
            self._map.close()
            self.size = -(-needed // mmap.PAGESIZE) * mmap.PAGESIZE
            os.ftruncate(self.fd, self.size)
            self._map = mmap.mmap(self.fd, self.size)
        self._map[: len(data)] = data
        is_large = len(data) > KEPT_BYTES
        if self._is_large and not is_large:
            self._map.madvise(mmap.MADV_REMOVE, KEPT_BYTES, self.size - KEPT_BYTES)
        self._is_large = is_large

    def read(self, size: int) -> bytes:
        """Return a copy of the first bytes."""
        return self._map[:size]

    def close(self) -> None:
        """Give everything back."""
        self._map.close()
        os.close(self.fd)


class FrameMemoryView:
    """The worker's end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, os.fstat(fd).st_size)

    def bytes_of_frame(self, size: int) -> memoryview:
        """Return the frame's bytes, which stay until the reply is sent."""
        if size > len(self._map):  # without closing the old one, which a picture may still refer to
            self._map = mmap.mmap(self._fd, os.fstat(self._fd).st_size)
        return memoryview(self._map)[:size].toreadonly()

    def write(self, pieces: list[memoryview]) -> None:
        """Put bytes at the start, over the frame's."""
        size = sum(piece.nbytes for piece in pieces)
        self.bytes_of_frame(size)
        start = 0
        for piece in pieces:
            self._map[start : start + piece.nbytes] = piece.cast("B")
            start += piece.nbytes
