"""Files played to a server, each as one stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from facegauge_client.playback.playback import Playback, ReplayOptions
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import Forbidden
from facegauge_client.sdk.types import Assessment

__all__ = ["name_streams", "replay"]

MAX_ID_CHARS = 128


async def replay(
    client: Client,
    playbacks: Sequence[Playback],
    options: ReplayOptions,
    on_assessment: Callable[[Assessment], None],
) -> None:
    """Play all files, `options.parallel` at a time; raises where no server answers or a token is refused.

    What goes wrong with a single file is kept in its playback, and the others go on.
    """
    with contextlib.suppress(Forbidden):  # a token for publishing alone shows as much that a server answers
        await client.list_streams(limit=1)
    room = asyncio.Semaphore(options.parallel)

    async def play(playback: Playback) -> None:
        async with room:
            await playback.play(client, options, on_assessment)

    async with asyncio.TaskGroup() as tasks:
        for playback in playbacks:
            tasks.create_task(play(playback))


def name_streams(paths: Sequence[Path], prefix: str = "") -> list[str]:
    """Return a stream id for each file: its name, or its whole path where two files share a name."""
    names = Counter(path.name for path in paths)
    taken: Counter[str] = Counter()
    stream_ids = []
    for path in paths:
        name = path.name if path.name and names[path.name] == 1 else str(path)
        name = "".join(character if character.isprintable() else "?" for character in prefix + name)
        taken[name] += 1
        suffix = f"#{taken[name]}" if taken[name] > 1 else ""
        stream_ids.append(name[-(MAX_ID_CHARS - len(suffix)) :] + suffix)
    return stream_ids
