"""A file on its way in, bounded in size and time, and never under a name on the disk.

The file is one of the system's temporary folder (TMPDIR) that has no name: it is gone as soon as nobody has
it open, whatever ends the gateway.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO

from aiohttp import ClientError, web

__all__ = ["receive"]

CHUNK_BYTES = 2**20
IDLE_TIMEOUT_S = 15.0
GRACE_S = 30.0
LEAST_BYTES_PER_S = 16 * 1024
"""What must come on average once GRACE_S have passed."""


async def receive(request: web.Request, max_bytes: int) -> IO[bytes]:
    """Return the body of a request as an open file; raises the HTTP refusal where that fails."""
    announced = request.content_length
    if announced is not None and announced > max_bytes:
        raise _too_large(max_bytes)
    try:
        file: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile, buffering=0)
    except OSError as error:
        raise _no_disk(error) from error
    try:
        taken = await _copy(request, file, max_bytes)
        if not taken:
            raise web.HTTPUnprocessableEntity(text="the file is empty: drop a video or a picture\n")
    except BaseException:
        file.close()
        raise
    return file


async def _copy(request: web.Request, file: IO[bytes], max_bytes: int) -> int:
    loop = asyncio.get_running_loop()
    begun_s, taken, waiting = loop.time(), 0, bytearray()
    while True:
        chunk = await _next_chunk(request)
        taken += len(chunk)
        if taken > max_bytes:
            raise _too_large(max_bytes)
        waiting += chunk
        if waiting and (not chunk or len(waiting) >= CHUNK_BYTES):
            await _write(file, bytes(waiting))
            waiting.clear()
        if not chunk:
            return taken
        if taken < LEAST_BYTES_PER_S * (loop.time() - begun_s - GRACE_S):
            raise _too_slow()


async def _next_chunk(request: web.Request) -> bytes:
    """Return what has come; empty at the end."""
    try:
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            return await request.content.readany()
    except TimeoutError:
        raise _too_slow() from None
    except (ClientError, ConnectionError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="the upload broke off: send the file again\n") from error


async def _write(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[await asyncio.to_thread(file.write, view) :]
    except OSError as error:
        raise _no_disk(error) from error


def _too_large(max_bytes: int) -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(
        max_size=max_bytes,
        actual_size=0,
        text=f"the file is larger than {max_bytes / 1e6:g} MB (--max-clip-mb): cut it, or play it with"
        " `facegauge replay`\n",
    )


def _too_slow() -> web.HTTPException:
    return web.HTTPRequestTimeout(text="the file comes too slowly: send it again over a better connection\n")


def _no_disk(error: OSError) -> web.HTTPException:
    return web.HTTPInsufficientStorage(
        text=f"the gateway cannot keep the file while it plays ({error.strerror or error}): its operator must"
        " make room in its temporary folder (TMPDIR)\n"
    )
