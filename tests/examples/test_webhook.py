"""The example receiver takes what the server's sender posts, and refuses it with another secret."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.webhook.sender import WebhookSender
from facegauge_server.webhook.signature import WebhookSecrets
from tests.server.events.making import event

RECEIVER = Path(__file__).parents[2] / "examples" / "webhook" / "receiver.py"
SECRET, OTHER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
LONG_S = 60.0


@pytest.mark.parametrize(("secret", "result"), [(SECRET, "delivered"), (OTHER_SECRET, "failed")])
async def test_the_example_verifies(tmp_path: Path, secret: str, result: str) -> None:
    """An event is printed once it is verified, once however often it comes; a wrong signature gets 401."""
    own, theirs = tmp_path / "own", tmp_path / "theirs"
    own.write_text(f"{secret}\n")
    theirs.write_text(f"{SECRET}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(RECEIVER), str(theirs), "0"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    counts: Counter[str] = Counter()
    said = (await process.stdout.readline()).decode().strip()
    url = OutgoingUrl.parse(said, "--webhook-url", "--webhook-insecure", insecure=False)
    sender = WebhookSender(url, WebhookSecrets(own), 4, lambda one: counts.update([one]))
    task = asyncio.create_task(sender.run())
    try:
        for sequence in (1, 1, 2):
            sender.offer(replace(event(f"s{sequence}"), sequence=sequence, instance_id="life", time_s=1.0))
        await sender.finish(LONG_S)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        process.kill()
        printed, _ = await process.communicate()
    assert counts == {result: 3}
    lines = ["1970-01-01T00:00:01Z c s1 stream_began", "1970-01-01T00:00:01Z c s2 stream_began"]
    assert printed.decode().splitlines() == (lines if result == "delivered" else [])
