"""A real browser's page of another origin reads answers where it is allowed to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.real_call.chromium import Browser, PageError
from facegauge_client import Assessment, HealthStatus
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.http import make_http_app
from facegauge_gateway.http.listening import listening
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.readiness import Readiness
from facegauge_gateway.token_file import TokenFile

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TOKEN = "0123456789abcdef0123456789abcdef"
BY_EVENTS = """((url) => new Promise((resolve, reject) => {
    const events = new EventSource(url);
    events.addEventListener('assessment', ({data}) => {
        events.close();
        resolve(JSON.parse(data).stream_id);
    });
    events.onerror = () => { events.close(); reject(new Error('refused')); };
}))"""
BY_FETCH = """(async (url, token) => {
    const response = await fetch(url, {headers: {Authorization: `Bearer ${token}`}});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; ; text += (await reader.read()).value) {
        if (response.status !== 200 && text) return text;
        const found = text.match(/^data: (.*)$/m);
        if (found) { await reader.cancel(); return JSON.parse(found[1]).stream_id; }
    }
})"""


@asynccontextmanager
async def pages(*origins: str, readers: TokenFile | None = None) -> AsyncIterator[str]:
    """Serve the gateway's pages, with an answer for whoever reads, again and again; gives the URL."""

    async def check() -> HealthStatus:
        return HealthStatus.SERVING

    async def publish(hub: AnswerHub) -> None:
        while True:
            hub.publish("alice", Assessment(sequence=1))
            await asyncio.sleep(0.05)

    metrics = Metrics()
    hub = AnswerHub(metrics)
    app = make_http_app(hub, metrics, Readiness(check, metrics), readers, frozenset(origins))
    publishing = asyncio.create_task(publish(hub))
    async with listening(app, Address("127.0.0.1", 0), None) as address:
        yield f"http://{address}"
        hub.close()
    publishing.cancel()


async def test_a_page_of_an_allowed_origin_reads_answers(browser: Browser, tmp_path: Path) -> None:
    """By EventSource, and by fetch with a token, which the browser asks about beforehand; others do not."""
    (tmp_path / "tokens").write_text(TOKEN + "\n")
    readers = TokenFile("--read-tokens", tmp_path / "tokens")
    async with pages() as own:
        page = await browser.open(f"{own}/livez")  # any page of an origin that is not the gateway's
        async with pages(own) as open_to_it, pages(own, readers=readers) as asks_for_a_token:
            assert await page.call(BY_EVENTS, f"{open_to_it}/answers?stream_id=alice") == "alice"
            assert await page.call(BY_FETCH, f"{asks_for_a_token}/answers", TOKEN) == "alice"
            assert "--read-tokens" in await page.call(BY_FETCH, f"{asks_for_a_token}/answers", TOKEN[::-1])
        async with pages("https://meet.example") as closed_to_it:
            with pytest.raises(PageError, match="refused"):
                await page.call(BY_EVENTS, f"{closed_to_it}/answers?stream_id=alice")
            with pytest.raises(PageError, match="Failed to fetch"):
                await page.call(BY_FETCH, f"{closed_to_it}/answers", TOKEN)
