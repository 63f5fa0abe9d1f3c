"""The names and flags that programs and scripts rely on. A change here needs a changelog entry."""

from __future__ import annotations

import click
import pytest

from facegauge_gateway.cli import command

SHARED = {
    *("--server", "--server-tls", "--server-tls-ca", "--server-tls-cert", "--server-tls-key"),
    *("--token-file", "--insecure-token", "--max-fps", "--min-fps", "--display-lines"),
    *("--http-listen", "--tls-cert", "--tls-key", "--read-tokens", "--insecure", "--answers"),
    *("--drain-grace", "--log-format", "--allow-origin"),
}
CODED = {"--decode", "--batch-interval", "--pli-interval", "--idle-timeout", "--max-stream-mbps"}
PUBLISHERS = {
    *("--publish-tokens", "--forward-tokens", "--max-sessions"),
    *("--max-sessions-per-address", "--connect-timeout"),
}
FLAGS = {
    "whip": SHARED | CODED | PUBLISHERS,
    "ui": SHARED | CODED | PUBLISHERS | {"--dashboard-url", "--runbook-url", "--max-clip-mb", "--max-clips"},
    "rtp": SHARED
    | CODED
    | {"--listen", "--payload", "--sdp", "--ssrc", "--stream-id", "--call-id", "--allow-from"}
    | {"--reorder", "--max-streams"},
}


def test_every_subcommand_is_listed() -> None:
    """A new subcommand gets its flags listed here."""
    assert set(command.commands) == set(FLAGS)


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_of_each_subcommand(name: str) -> None:
    """Long flags; a renamed one breaks scripts."""
    options = [item for item in command.commands[name].params if isinstance(item, click.Option)]
    assert {flag for option in options for flag in option.opts} == FLAGS[name]
