"""Wrong flags of the page end with a sentence that names the flag."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from facegauge_gateway.cli import command
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.ui import UrlTemplate

WRONG_URLS = (
    *("javascript:alert(1)", "//grafana.example/d", "https://", "grafana", "https://{call_id}/d"),
    *("https://grafana.example/{name}", "https://grafana.example/{call_id!r}", "https://grafana.example/{"),
    *("https://grafana.example/{}", 'https://grafana.example/"><script>', "https://grafana.example/\n"),
    "https://[grafana/{cause}",
)


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_template_that_is_none(url: str) -> None:
    with pytest.raises(BadConfiguration, match="--dashboard-url wants an address"):
        UrlTemplate.parse(url, "--dashboard-url")


def test_a_template_with_places() -> None:
    url = "https://grafana.example:3000/d/stream?var-call={call_id}&var-stream={stream_id}#{cause}"
    assert UrlTemplate.parse(url, "--dashboard-url").text == url


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--runbook-url", "ftp://runbook.example"), "--runbook-url wants an address"),
        (("--http-listen", "0.0.0.0:9466"), "--read-tokens"),
        (("--http-listen", "0.0.0.0:9466", "--insecure", "--max-clip-mb", "0"), "--max-clip-mb"),
        (("--publish-tokens", "missing", "--forward-tokens"), "--publish-tokens and --forward-tokens"),
    ],
)
def test_a_wrong_flag_is_named(flags: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(command, ["ui", *flags])
    assert done.exit_code == 2, done.output
    assert words in done.output
