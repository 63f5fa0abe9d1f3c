"""A receiver of webhooks in this process, which answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

__all__ = ["HANG", "SECRET", "Receiver", "receiving", "write_secret"]

HANG = 0
"""In place of a status: no answer until the test is over."""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """What came, and what is answered: the last answer again and again."""

    answers: list[int]
    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: Counter[str] = field(default_factory=Counter)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        """Take one request."""
        self.paths[request.path] += 1
        self.requests.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.asked.set()
        if status == HANG:
            await self.released.wait()
            status = 503
        return web.Response(status=status, headers={"location": "/elsewhere"} if status == 302 else None)


@asynccontextmanager
async def receiving(*answers: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver that answers with these statuses, over https where it has a certificate."""
    receiver = Receiver(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"{'http' if tls is None else 'https'}://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        receiver.released.set()
        await runner.cleanup()


def write_secret(folder: Path, *secrets: str) -> Path:
    """The file of --webhook-secret-file."""
    path = folder / "webhook-secret"
    path.write_text("".join(f"{secret}\n" for secret in secrets or (SECRET,)))
    return path
