"""Pages of other origins read answers where they are allowed to, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from facegauge_client import Assessment, HealthStatus
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.http import make_http_app
from facegauge_gateway.http.cross_origin import parse_origin
from facegauge_gateway.http.listening import listening
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.readiness import Readiness
from facegauge_gateway.token_file import TokenFile

MEET, EVIL = "https://meet.example", "https://evil.example"
ALLOWED = "Access-Control-Allow-Origin"
TOKEN = "0123456789abcdef0123456789abcdef"
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve(hub: AnswerHub, metrics: Metrics) -> AsyncIterator[Serve]:
    """Starts the gateway's pages for pages of these origins, on a free port; gives the URL."""

    async def check() -> HealthStatus:
        return HealthStatus.SERVING

    async with AsyncExitStack() as stack:

        async def start(*origins: str, readers: TokenFile | None = None) -> str:
            app = make_http_app(hub, metrics, Readiness(check, metrics), readers, frozenset(origins))
            address = await stack.enter_async_context(listening(app, Address("127.0.0.1", 0), None))
            return f"http://{address}"

        yield start
        hub.close()


async def ask(method: str, url: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers, without waiting for what follows."""
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as response:
        return response.status, dict(response.headers)


async def test_an_allowed_page_reads_answers(serve: Serve, hub: AnswerHub) -> None:
    """A browser shows it the events, and refuses them to a page of an origin that is not named."""
    url = await serve(MEET)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/answers", headers={"Origin": MEET}) as response,
    ):
        assert (response.status, response.headers[ALLOWED]) == (200, MEET)
        assert response.headers["Vary"] == "Origin"
        assert (await response.content.readline()).startswith(b":")
        hub.publish("alice", Assessment(sequence=1))
        await response.content.readuntil(b"event: assessment\n")
    status, headers = await ask("GET", f"{url}/answers", Origin=EVIL)
    assert (status, headers["Vary"]) == (200, "Origin")
    assert ALLOWED not in headers


async def test_a_refusal_can_be_read_too(serve: Serve, tmp_path: Path) -> None:
    """The page learns that its token is missing, instead of a network error."""
    (tmp_path / "tokens").write_text(TOKEN + "\n")
    url = await serve(MEET, readers=TokenFile("--read-tokens", tmp_path / "tokens"))
    for path, wanted in (("/answers", 401), ("/nothing", 404)):
        status, headers = await ask("GET", url + path, Origin=MEET)
        assert (status, headers[ALLOWED]) == (wanted, MEET)
        assert "WWW-Authenticate" in headers["Access-Control-Expose-Headers"]


async def test_a_preflight_needs_no_token_and_permits_to_show_one(serve: Serve, tmp_path: Path) -> None:
    """`fetch` with Authorization, as EventSource cannot set it, is asked for beforehand without it."""
    (tmp_path / "tokens").write_text(TOKEN + "\n")
    url = await serve(MEET, readers=TokenFile("--read-tokens", tmp_path / "tokens"))
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    status, headers = await ask("OPTIONS", f"{url}/answers", Origin=MEET, **asked)
    assert (status, headers[ALLOWED]) == (204, MEET)
    assert headers["Access-Control-Allow-Methods"] == "GET"
    assert headers["Access-Control-Allow-Headers"] == "Authorization"
    status, headers = await ask("OPTIONS", f"{url}/answers", Origin=EVIL, **asked)
    assert ALLOWED not in headers
    status, headers = await ask("GET", f"{url}/answers", Origin=MEET, Authorization=f"Bearer {TOKEN}")
    assert (status, headers[ALLOWED]) == (200, MEET)


async def test_nobody_is_allowed_unless_named(serve: Serve) -> None:
    """Without the flag the headers are those of a server that knows no other origins."""
    _, headers = await ask("GET", f"{await serve()}/answers", Origin=MEET)
    assert not [name for name in headers if name.startswith("Access-Control")]


async def test_any_origin_gets_no_credentials(serve: Serve) -> None:
    """`*` is sent as it is, which browsers take for requests without cookies alone."""
    _, headers = await ask("GET", f"{await serve('*')}/answers", Origin=EVIL)
    assert headers[ALLOWED] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Meet.Example", MEET),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("*", "*"),
    ],
)
def test_an_origin_is_what_a_browser_sends(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text", ["meet.example", "https://meet.example/", "https://*.example", "null", "", "https://a b"]
)
def test_what_no_browser_would_send_is_named(text: str) -> None:
    """It would never match, and the operator would look for the cause elsewhere."""
    with pytest.raises(BadConfiguration, match="--allow-origin wants SCHEME://HOST"):
        parse_origin(text)
