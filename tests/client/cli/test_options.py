"""Server and TLS options that the commands share."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from facegauge_client.cli.options import ServerOptions, server_options


@click.command()
@server_options
def show(server: ServerOptions) -> None:
    """Print what the options come to."""
    click.echo(server.client().target)


@pytest.mark.parametrize("target", ["127.0.0.1:50051", "media-3:1", "[::1]:65535"])
def test_a_target_is_a_host_and_a_port(target: str) -> None:
    """Names, addresses and IPv6 in brackets."""
    assert CliRunner().invoke(show, ["--server", target]).output == f"{target}\n"


@pytest.mark.parametrize("target", ["", ":50051", "media-3", "media-3:", "media-3:0", "media-3:65536", "a:b"])
def test_a_wrong_target_is_a_usage_error(target: str) -> None:
    """Exit code 2, with an example of a right one."""
    result = CliRunner().invoke(show, ["--server", target])
    assert result.exit_code == 2
    assert "HOST:PORT, such as 127.0.0.1:50051" in result.output


def test_the_target_may_come_from_the_environment() -> None:
    """The flag goes before FACEGAUGE_SERVER, which goes before the default."""
    environment = {"FACEGAUGE_SERVER": "media-3:50051"}
    assert CliRunner().invoke(show, env=environment).output == "media-3:50051\n"
    assert CliRunner().invoke(show, ["--server", "a:1"], env=environment).output == "a:1\n"
    assert CliRunner().invoke(show).output == "127.0.0.1:50051\n"


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_half_a_certificate_is_a_usage_error(flag: str, tmp_path: Path) -> None:
    """The error names both flags."""
    pem = tmp_path / "half.pem"
    pem.write_text("pem")
    result = CliRunner().invoke(show, [flag, str(pem)])
    assert result.exit_code == 2
    assert "--tls-cert and --tls-key: a client certificate needs its key" in result.output


def test_a_file_that_is_gone_by_the_time_it_is_read_is_a_usage_error(tmp_path: Path) -> None:
    """It was there when the flags were checked."""
    options = ServerOptions("a:1", tls=True, tls_ca=tmp_path / "ca.pem", tls_cert=None, tls_key=None)
    with pytest.raises(click.UsageError, match=r"cannot read .*ca\.pem: No such file"):
        options.client()
