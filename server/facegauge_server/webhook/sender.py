"""The sender: takes events without waiting, delivers them one after the other, and tries again.

Delivery is at least once and in order. A receiver that hangs or fails holds up nothing but this task: events
wait in a queue whose oldest give way. An answer 2xx is a delivery; 408, 425, 429, 5xx, a broken connection, a
certificate that is not trusted and a timeout are tried again, with delays that grow and are cut at random;
any other answer, redirects among them, is final.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

import aiohttp

from facegauge_server.events.event import Event
from facegauge_server.metrics import WebhookResult
from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.safe_log import SafeLog
from facegauge_server.webhook.cloud_event import CONTENT_TYPE, cloud_event
from facegauge_server.webhook.signature import WebhookSecrets
from facegauge_server.webhook.trust import WebhookTrust

__all__ = ["WebhookSender", "retry_delays_s"]

TIMEOUT_S = 10.0
"""How long a receiver may take to answer."""
ATTEMPTS = 10
"""Attempts for one event; the delays between them are one and a half to three minutes in all."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 60.0
PASSING = frozenset({408, 425, 429})
MAX_HEADER_BYTES = 8190


def retry_delays_s(rng: random.Random | None = None) -> Iterator[float]:
    """Yield the delays between the attempts for one event, seconds: doubling, each cut by up to a half."""
    rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
    for attempt in range(ATTEMPTS - 1):
        yield min(FIRST_DELAY_S * 2**attempt, LONGEST_DELAY_S) * rng.uniform(0.5, 1.0)


class WebhookSender:
    """Delivers events to one address. Belongs to one event loop."""

    def __init__(
        self,
        url: OutgoingUrl,
        secrets: WebhookSecrets,
        capacity: int,
        count: Callable[[WebhookResult], None],
        count_retry: Callable[[], None] = lambda: None,
        *,
        trust: WebhookTrust | None = None,
        timeout_s: float = TIMEOUT_S,
        delays_s: Callable[[], Iterator[float]] = retry_delays_s,
    ) -> None:
        """Make a sender that does not run yet.

        Args:
            url: where events go.
            secrets: to sign them with.
            capacity: events that wait at most.
            count: called with what became of each event.
            count_retry: called for each attempt that failed and will be made again.
            trust: whom the receiver must be certified by; None for whom the system trusts.
            timeout_s: how long the receiver may take to answer.
            delays_s: gives the delays between attempts for one event.
        """
        self._url = url
        self._secrets = secrets
        self._capacity = capacity
        self._count = count
        self._count_retry = count_retry
        self._trust = trust
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._delays_s = delays_s
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._log = SafeLog(webhook=url.host)

    def __len__(self) -> int:
        """Return the number of events that are not delivered yet; safe to call from another thread."""
        return len(self._waiting)

    def offer(self, event: Event) -> None:
        """Take an event, without waiting; the oldest one gives way where there is no room."""
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self._count("dropped")
        self._waiting.append(event)
        self._idle.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Deliver without end."""
        # The environment's proxies are left alone: the operator has named the address, and nobody else.
        async with aiohttp.ClientSession(
            timeout=self._timeout,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        ) as session:
            while True:
                while not self._waiting:
                    self._idle.set()
                    self._arrived.clear()
                    await self._arrived.wait()
                await self._deliver(session, self._waiting[0])

    async def finish(self, grace_s: float) -> None:
        """Wait until all is delivered, no longer than the grace; what is left is counted as dropped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        while self._waiting:
            self._waiting.popleft()
            self._count("dropped")

    async def _deliver(self, session: aiohttp.ClientSession, event: Event) -> None:
        """Try until the event is delivered, refused or given up; it keeps its place meanwhile."""
        body = cloud_event(event)
        delays_s = self._delays_s()
        while True:
            why, is_final = await self._attempt(session, event.id, body)
            if not self._is_first(event):
                return  # it had to give way meanwhile, and is counted
            delay_s = None if is_final else next(delays_s, None)
            if delay_s is None:
                self._waiting.popleft()
                self._count("failed" if why else "delivered")
                if why:
                    self._log.warning("event not delivered", reason=why, event_id=event.id)
                return
            self._count_retry()
            await asyncio.sleep(delay_s)
            if not self._is_first(event):
                return

    def _is_first(self, event: Event) -> bool:
        return bool(self._waiting) and self._waiting[0] is event

    async def _attempt(self, session: aiohttp.ClientSession, event_id: str, body: bytes) -> tuple[str, bool]:
        """Send an event once; return why it was not delivered, empty if it was, and whether that is final."""
        now_s = time.monotonic()
        headers = self._secrets.headers(event_id, body, int(time.time()), now_s)
        headers["content-type"] = CONTENT_TYPE
        verified_by = True if self._trust is None else self._trust.context(now_s)
        try:
            # The body of the answer is not read: leaving the block closes a connection with an unread one.
            async with session.post(
                self._url.url, data=body, headers=headers, allow_redirects=False, ssl=verified_by
            ) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return type(error).__name__, False
        if 200 <= status < 300:
            return "", True
        return f"HTTP status {status}", status < 500 and status not in PASSING
