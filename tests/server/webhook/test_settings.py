"""Where events may go, and the secrets that sign them: what is refused as the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_server.config import Config
from facegauge_server.errors import BadConfiguration
from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.webhook.signature import WebhookSecrets

from .receiver import SECRET, write_secret


@pytest.mark.parametrize(
    "url", ["https://hooks.example/facegauge", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"]
)
def test_https_and_loopback_are_allowed(url: str) -> None:
    """Nothing leaves the machine in clear."""
    assert OutgoingUrl.parse(url, "--webhook-url", "--webhook-insecure", insecure=False).url == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", "--webhook-insecure"),
        ("http://10.0.0.1/", "--webhook-insecure"),
        ("ftp://hooks.example/", "wants https://"),
        ("hooks.example", "wants https://"),
        ("https://", "wants https://"),
        ("https://user:word@hooks.example/", "no user and password"),
        ("https://hooks.example:port/", "is no URL"),
    ],
)
def test_any_other_address_is_refused(url: str, reason: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(BadConfiguration, match=reason):
        Config(webhook_url=url, webhook_secret_file=Path("secret"))


def test_plain_http_beyond_loopback_takes_the_operators_word() -> None:
    """Where something else encrypts."""
    url = "http://10.0.0.1/hook"
    webhook = Config(webhook_url=url, webhook_secret_file=Path("s"), webhook_insecure=True).webhook
    assert webhook is not None
    assert (webhook.url, webhook.host) == (url, "10.0.0.1")


@pytest.mark.parametrize("given", [{"webhook_url": "https://h.example/"}, {"webhook_secret_file": Path("s")}])
def test_address_and_secret_go_together(given: dict[str, object]) -> None:
    """No event goes unsigned."""
    with pytest.raises(BadConfiguration, match="go together"):
        Config(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", [None, "http://127.0.0.1/"])
def test_an_authority_needs_a_receiver_that_shows_a_certificate(url: str | None) -> None:
    """Or it would guard nothing."""
    secret = None if url is None else Path("secret")
    with pytest.raises(BadConfiguration, match="--webhook-ca needs a --webhook-url of https"):
        Config(webhook_url=url, webhook_secret_file=secret, webhook_ca=Path("ca.pem"))
    assert Config(webhook_url="https://h/", webhook_secret_file=Path("s"), webhook_ca=Path("c")).webhook


def test_without_flags_there_is_no_webhook() -> None:
    """Off by default."""
    assert Config().webhook is None


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [
        (["secret"], "whsec_ and base64"),
        (["whsec_not base64!"], "whsec_ and base64"),
        (["whsec_c2hvcnQ="], "24 to 64 bytes, not 5"),
        ([SECRET] * 5, "1 to 4 secrets"),
        ([""], "1 to 4 secrets"),
    ],
)
def test_a_bad_secret_is_refused_and_not_shown(tmp_path: Path, secrets: list[str], reason: str) -> None:
    """The message names the file, never what stands in it."""
    path = write_secret(tmp_path, *secrets)
    with pytest.raises(BadConfiguration, match=reason) as refused:
        WebhookSecrets(path)
    assert str(path) in str(refused.value)
    assert SECRET not in str(refused.value)
