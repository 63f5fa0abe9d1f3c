"""The real gateway before a server, as a process of its own, with the answers that it writes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.real_call.programs import ask_to_end, running

__all__ = ["Gateway", "GatewayError", "running_gateway", "running_whip_gateway"]

READY_LIMIT_S = 60.0
MAX_LINE_BYTES = 2**20


class GatewayError(Exception):
    """The gateway has ended, or does not say what was waited for."""


@dataclass(slots=True)
class Gateway:
    """A running `facegauge-gateway`."""

    addresses: list[tuple[str, int]]
    """Its ports of RTP; none where it takes publishers by WHIP."""
    http: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    """Assessments and summaries, as they came."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    has_ended: bool = False

    def scored(self, stream_id: str, since: int = 0) -> list[dict[str, Any]]:
        """Return a stream's assessments of scored frames, of the answers from a place on."""
        return [
            answer
            for answer in self.answers[since:]
            if answer["stream_id"] == stream_id and answer.get("result") == "scored"
        ]

    def quality(self, stream_id: str, since: int = 0, count: int = 5) -> float | None:
        """Return the median of a stream's newest qualities; None where there are fewer than `count`."""
        newest = [answer["quality"] for answer in self.scored(stream_id, since)[-count:]]
        return median(newest) if len(newest) == count else None

    async def until(self, condition: Callable[[], bool], what: str, limit_s: float = 60.0) -> None:
        """Wait for an answer that makes the condition true."""
        try:
            async with asyncio.timeout(limit_s), self.changed:
                await self.changed.wait_for(lambda: self.has_ended or condition())
        except TimeoutError:
            newest = self.answers[-3:]
            raise GatewayError(f"not within {limit_s:g} s: {what}; newest answers: {newest}") from None
        if not condition():
            raise GatewayError(f"the gateway ended before {what}")

    async def read(self, stdout: asyncio.StreamReader) -> None:
        """Take answers until the gateway ends."""
        while line := await stdout.readline():
            async with self.changed:
                self.answers.append(json.loads(line))
                self.changed.notify_all()
        async with self.changed:
            self.has_ended = True
            self.changed.notify_all()


@asynccontextmanager
async def running_gateway(server: str, *flags: str, ports: int = 1) -> AsyncIterator[Gateway]:
    """Start a gateway with free ports of RTP; `flags` say what comes there.

    A media server that says nothing of a stream but its RTP, as Janus does, needs a port for each: feedback
    on several streams of one port may go to another's.
    """
    async with _running("rtp", *(("--listen", "127.0.0.1:0") * ports), *flags, server=server) as gateway:
        yield gateway


@asynccontextmanager
async def running_whip_gateway(server: str, *flags: str) -> AsyncIterator[Gateway]:
    """Start a gateway that takes publishers by WHIP."""
    async with _running("whip", *flags, server=server) as gateway:
        yield gateway


@asynccontextmanager
async def _running(*flags: str, server: str) -> AsyncIterator[Gateway]:
    command = (
        *(sys.executable, "-m", "facegauge_gateway", *flags, "--server", server),
        *("--http-listen", "127.0.0.1:0", "--answers", "-"),
    )
    async with running(*command, reads="stdout", limit_bytes=MAX_LINE_BYTES) as process:
        assert process.stdout is not None  # noqa: S101 - narrows: it was asked for
        async with asyncio.timeout(READY_LIMIT_S):
            line = await process.stdout.readline()
        if not line:
            raise GatewayError(f"the gateway did not start: try {' '.join(command)}")
        ready = json.loads(line)
        addresses = [
            (host, int(port)) for host, _, port in (one.rpartition(":") for one in ready.get("rtp", ()))
        ]
        gateway = Gateway(addresses, ready["http"])
        reading = asyncio.create_task(gateway.read(process.stdout))
        try:
            yield gateway
        finally:
            ask_to_end(process)
            await reading
