"""How a frame may get to another process: over a socket, or through memory that both share."""

from __future__ import annotations

import mmap
import os
import resource
import socket
import time
from collections.abc import Callable

import numpy as np

__all__ = ["CASES", "WAYS", "time_way"]

CASES = {"JPEG, 100 kB": (100_000, True), "I420 720p, 1.4 MB": (1280 * 720 * 3 // 2, False)}
"""Bytes of a frame, and whether what reads it wants bytes of its own, as decoders of files do."""
WAYS = ("socket", "shared memory")
CALLS = 300
HEADER = b"x" * 3000
"""Size of a request with a stream's tracker."""


def time_way(way: str, size: int, *, wants_bytes: bool) -> tuple[float, float]:
    """Return the microseconds of a frame there and an answer back: on the clock, and of both processors."""
    ours, theirs = socket.socketpair(
        socket.AF_UNIX, socket.SOCK_STREAM if way == "socket" else socket.SOCK_SEQPACKET
    )
    shared = mmap.mmap(-1, size)
    children_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pid = os.fork()
    if pid == 0:
        ours.close()
        if way == "socket":
            _answer_stream(theirs, size)
        else:
            _answer_packets(theirs, shared, wants_bytes=wants_bytes)
        os._exit(0)
    theirs.close()
    frame = bytes(size)
    send = _stream_sender(ours, frame) if way == "socket" else _packet_sender(ours, shared, frame)
    for _ in range(20):
        send()
    before_s, cpu_before_s = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        send()
    wall_s, cpu_s = time.perf_counter() - before_s, time.process_time() - cpu_before_s
    ours.close()
    os.waitpid(pid, 0)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    child_s = children.ru_utime + children.ru_stime - children_before.ru_utime - children_before.ru_stime
    return wall_s * 1e6 / CALLS, (cpu_s + child_s * CALLS / (CALLS + 20)) * 1e6 / CALLS


def _stream_sender(connection: socket.socket, frame: bytes) -> Callable[[], None]:
    def send() -> None:
        connection.sendall(HEADER)
        connection.sendall(frame)
        connection.recv(len(HEADER), socket.MSG_WAITALL)

    return send


def _packet_sender(connection: socket.socket, shared: mmap.mmap, frame: bytes) -> Callable[[], None]:
    def send() -> None:
        shared[: len(frame)] = frame
        connection.send(HEADER)
        connection.recv(2 * len(HEADER))

    return send


def _answer_stream(connection: socket.socket, size: int) -> None:
    buffer = bytearray(size)
    while connection.recv(len(HEADER), socket.MSG_WAITALL):
        connection.recv_into(buffer, size, socket.MSG_WAITALL)
        _touch(buffer)
        connection.sendall(HEADER)


def _answer_packets(connection: socket.socket, shared: mmap.mmap, *, wants_bytes: bool) -> None:
    while connection.recv(2 * len(HEADER)):
        _touch(bytes(shared) if wants_bytes else memoryview(shared))
        connection.send(HEADER)


def _touch(frame: bytes | bytearray | memoryview) -> None:
    """Read a byte of each page."""
    np.frombuffer(frame, np.uint8)[::4096].max()
