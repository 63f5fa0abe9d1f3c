"""Events on their way to a real receiver over HTTP: tried again, given up, dropped, never redirected."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from facegauge_server.events.event import Event
from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.webhook.sender import ATTEMPTS, LONGEST_DELAY_S, WebhookSender, retry_delays_s
from facegauge_server.webhook.signature import WebhookSecrets
from facegauge_server.webhook.trust import WebhookTrust
from tests.server.events.making import event

from .receiver import HANG, SECRET, Receiver, receiving, write_secret

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
LONG_S = 60.0


def numbered(sequence: int) -> Event:
    """An event as the log numbers it."""
    return replace(event(), sequence=sequence, instance_id="life", time_s=1.5)


def at_once() -> Iterator[float]:
    """Delays for tests: tried again without end, and without waiting."""
    return itertools.repeat(0.0)


class Sending:
    """A sender to a receiver, and what it counted."""

    def __init__(self, sender: WebhookSender, counts: Counter[str]) -> None:
        self.sender = sender
        self.counts = counts

    async def send(self, count: int) -> None:
        """Offer events and wait until nothing is left."""
        for sequence in range(1, count + 1):
            self.sender.offer(numbered(sequence))
        await self.sender.finish(LONG_S)


@asynccontextmanager
async def sending(
    receiver: Receiver,
    secret_file: Path,
    capacity: int = 16,
    timeout_s: float = LONG_S,
    delays_s: Callable[[], Iterator[float]] = at_once,
    trust: WebhookTrust | None = None,
) -> AsyncIterator[Sending]:
    """Run a sender."""
    counts: Counter[str] = Counter()
    sender = WebhookSender(
        OutgoingUrl.parse(receiver.url, "--webhook-url", "--webhook-insecure", insecure=False),
        WebhookSecrets(secret_file),
        capacity,
        lambda result: counts.update([result]),
        lambda: counts.update(["retry"]),
        trust=trust,
        timeout_s=timeout_s,
        delays_s=delays_s,
    )
    task = asyncio.create_task(sender.run())
    try:
        yield Sending(sender, counts)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_receiver_that_fails_gets_the_event_again(tmp_path: Path) -> None:
    """503, 429, then a success: one delivery, three attempts with one id, and the next event after it."""
    async with receiving(503, 429, 204) as receiver, sending(receiver, write_secret(tmp_path)) as run:
        await run.send(2)
    ids = [headers["webhook-id"] for headers, _ in receiver.requests]
    assert ids == ["life-1", "life-1", "life-1", "life-2"]
    assert run.counts == {"delivered": 2, "retry": 2}


async def test_the_reference_verifier_accepts_every_attempt(tmp_path: Path) -> None:
    """Standard Webhooks' own library verifies what comes, and reads a CloudEvent from it."""
    async with receiving(500, 200) as receiver, sending(receiver, write_secret(tmp_path)) as run:
        await run.send(1)
    for headers, body in receiver.requests:
        read = Webhook(SECRET).verify(body, headers)
        assert (read["specversion"], read["type"]) == ("1.0", "facegauge.v1.stream_began")
        assert (read["id"], read["source"]) == ("life-1", "/facegauge/life")
        assert (read["subject"], read["time"]) == ("s", "1970-01-01T00:00:01.500000Z")
        assert read["data"]["call_id"] == "c"
    headers = {name.lower(): value for name, value in receiver.requests[0][0].items()}
    assert headers["content-type"] == "application/cloudevents+json"


async def test_a_wrong_secret_or_a_changed_body_is_seen(tmp_path: Path) -> None:
    """A verifier with another secret refuses, and so does the right one where a byte has changed."""
    async with receiving(200) as receiver, sending(receiver, write_secret(tmp_path)) as run:
        await run.send(1)
    ((headers, body),) = receiver.requests
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"stream_began", b"stream_ended"), headers)


async def test_while_a_secret_is_replaced_both_sign(tmp_path: Path) -> None:
    """With two secrets in the file a receiver may have either."""
    secrets = write_secret(tmp_path, SECRET, OTHER_SECRET)
    async with receiving(200) as receiver, sending(receiver, secrets) as run:
        await run.send(1)
    ((headers, body),) = receiver.requests
    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify(body, headers) == json.loads(body)


async def test_a_receiver_that_hangs_is_asked_again(tmp_path: Path) -> None:
    """No answer in time counts as a failure that passes."""
    async with receiving(HANG, 200) as receiver:
        async with sending(receiver, write_secret(tmp_path), timeout_s=0.2) as run:
            await run.send(1)
    assert run.counts["delivered"] == 1
    assert run.counts["retry"] >= 1


@pytest.mark.parametrize("status", [302, 400, 401, 410])
async def test_a_refusal_is_final_and_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    """Each event is sent once, to the address that the operator named."""
    async with receiving(status) as receiver, sending(receiver, write_secret(tmp_path)) as run:
        await run.send(2)
    assert receiver.paths == {"/hook": 2}
    assert run.counts == {"failed": 2}


async def test_an_event_that_nobody_takes_is_given_up(tmp_path: Path) -> None:
    """After the last delay comes one more attempt, then the next event's turn."""
    async with receiving(500, 500, 500, 200) as receiver:
        async with sending(receiver, write_secret(tmp_path), delays_s=lambda: iter((0.0, 0.0))) as run:
            await run.send(2)
    assert run.counts == {"retry": 2, "failed": 1, "delivered": 1}


async def test_a_full_queue_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    """While the receiver hangs no more than the capacity waits, and to offer one never blocks."""
    async with receiving(HANG) as receiver, sending(receiver, write_secret(tmp_path), capacity=2) as run:
        run.sender.offer(numbered(1))
        await receiver.asked.wait()
        for sequence in range(2, 6):
            run.sender.offer(numbered(sequence))
        assert (len(run.sender), run.counts) == (2, {"dropped": 3})
        receiver.answers[:] = [200]
        receiver.released.set()
        await run.sender.finish(LONG_S)
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == ["life-1", "life-4", "life-5"]
    assert run.counts == {"dropped": 3, "delivered": 2}


async def test_to_finish_waits_no_longer_than_its_grace(tmp_path: Path) -> None:
    """What a hanging receiver has not taken by then is dropped, and counted."""
    async with receiving(HANG) as receiver, sending(receiver, write_secret(tmp_path)) as run:
        run.sender.offer(numbered(1))
        run.sender.offer(numbered(2))
        await receiver.asked.wait()
        await run.sender.finish(0.0)
        assert (len(run.sender), run.counts) == (0, {"dropped": 2})


def test_the_delays_double_up_to_a_minute_and_differ() -> None:
    """Each is between a half and the whole of its step, so that servers do not knock together."""
    delays_s = list(retry_delays_s(random.Random(1)))  # noqa: S311
    steps_s = [min(0.5 * 2**attempt, LONGEST_DELAY_S) for attempt in range(ATTEMPTS - 1)]
    assert len(delays_s) == ATTEMPTS - 1
    assert all(step_s / 2 <= delay_s <= step_s for delay_s, step_s in zip(delays_s, steps_s, strict=True))
    assert delays_s != list(retry_delays_s(random.Random(2)))  # noqa: S311
