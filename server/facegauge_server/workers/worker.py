"""A worker's life: load the networks, then frame in, result out, until the server closes the connection."""

from __future__ import annotations

import faulthandler
import importlib
import os
import socket
import traceback
from typing import cast

from facegauge_server.errors import BadFrame
from facegauge_server.workers.confinement import MAX_STDERR_BYTES, confine, limit_memory
from facegauge_server.workers.frame_memory import FrameMemoryView
from facegauge_server.workers.messages import (
    MAX_PACKET_BYTES,
    Forget,
    Ready,
    Refused,
    Reply,
    Request,
    RunRequest,
    StageFailed,
    Worked,
    encode,
    read_request,
)
from facegauge_server.workers.settings import Prepared, WorkSettings
from facegauge_server.workers.work import Assessed, Work

__all__ = ["run_worker"]

MAX_TRACE_CHARS = 8000


def run_worker(
    server: socket.socket,
    memory_fd: int,
    stderr_fd: int,
    work_module: str,
    settings: WorkSettings,
    prepared: Prepared,
) -> None:
    """Work until the server closes its end. Runs in a process that was just forked for it."""
    os.dup2(stderr_fd, 2)
    os.close(stderr_fd)
    faulthandler.enable()  # a crash leaves where it was in the last words
    confine()
    work: Work = importlib.import_module(work_module).make(settings, prepared)
    limit_memory(settings.memory_bytes)
    memory = FrameMemoryView(memory_fd)
    server.send(encode(Ready()))
    while packet := server.recv(MAX_PACKET_BYTES):
        _make_room_for_last_words()
        order = read_request(packet)
        if isinstance(order, Forget):
            work.forget(order.decoder)
            continue
        reply = encode(_answer(order, memory, work))
        if len(reply) > MAX_PACKET_BYTES:
            reply = encode(StageFailed(f"the result has {len(reply)} bytes", ""))
        server.send(reply)


def _make_room_for_last_words() -> None:
    if os.lseek(2, 0, os.SEEK_CUR) > MAX_STDERR_BYTES // 2:
        os.ftruncate(2, 0)
        os.lseek(2, 0, os.SEEK_SET)


def _answer(request: Request | RunRequest, memory: FrameMemoryView, work: Work) -> Reply:
    try:
        assessed = _assess(request, memory.bytes_of_frame(request.data_bytes), work)
    except BadFrame as error:
        return Refused(str(error))
    except MemoryError:
        return Refused("the frame needs more memory than a worker may take for one: send it smaller")
    except Exception as error:  # noqa: BLE001 - the server logs it, and this worker is as good as before
        return StageFailed(repr(error)[:1000], traceback.format_exc()[-MAX_TRACE_CHARS:])
    return _worked(assessed, memory)


def _assess(request: Request | RunRequest, data: memoryview, work: Work) -> Assessed:
    if isinstance(request, RunRequest):
        run = request.run(bytes(data))
        return work.assess_run(run, request.decoder, request.tracker, request.display_lines)
    # Raw pixels are read where they lie; decoders of files want bytes.
    frame = request.frame(cast("bytes", data) if request.encoding.is_raw else bytes(data))
    return work.assess(frame, request.tracker, request.display_lines)


def _worked(assessed: Assessed, memory: FrameMemoryView) -> Worked:
    if assessed.score is not None:
        return Worked(
            assessed.tracker,
            assessed.score,
            stage_times_s=assessed.stage_times_s,
            decoded=assessed.decoded,
            snapshot=assessed.snapshot,
        )
    crops = assessed.crops
    memory.write([crop.pixels.data for crop in crops.crops])
    return Worked(
        assessed.tracker,
        None,
        tuple(crop.face for crop in crops.crops),
        crops.too_small,
        assessed.stage_times_s,
        decoded=assessed.decoded,
        view=crops.view,
        snapshot=assessed.snapshot,
    )
