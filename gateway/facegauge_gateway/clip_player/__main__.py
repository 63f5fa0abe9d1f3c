"""Start of the process."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from facegauge_gateway.clip_player.formats import CannotPlay, check_format
from facegauge_gateway.clip_player.messages import Messages
from facegauge_gateway.errors import GatewayError

MAX_MEMORY_BYTES = 8 * 2**30
"""Of addresses, of which most are never touched: an end to what a picture can claim."""
NICENESS = 5
"""Cameras go first."""


async def main() -> None:
    """Play the job of standard input; ends as soon as that does, and cleanly on SIGTERM."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message
    messages = Messages(output)
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        await _play(line, messages)
    except asyncio.CancelledError:
        pass
    except Exception as error:  # noqa: BLE001 - told to the gateway, whose log has it
        is_expected = isinstance(error, GatewayError)
        told = str(error) if is_expected else "the gateway failed to play it: see its log"
        defect = "" if is_expected else "".join(traceback.format_exception(error))[-8000:]
        messages.send("failed", {"error": told, "defect": defect})


async def _play(line: bytes, messages: Messages) -> None:
    fields = json.loads(line)
    try:
        await asyncio.to_thread(check_format, Path(fields["path"]), fields["name"])
    except CannotPlay as error:
        messages.send("refused", {"error": str(error)})
        return
    messages.send("opened", {})
    # Imported by now alone: it takes longer than all else, and who waits for the answer above need not.
    from facegauge_gateway.clip_player.job import Job
    from facegauge_gateway.clip_player.player import play_clip

    playing = asyncio.ensure_future(play_clip(Job.from_line(line), messages))
    # Until now SIGTERM ends the process as it stands; from now on there is a stream to take leave of.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    await playing


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    os.nice(NICENESS)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    asyncio.run(main())
