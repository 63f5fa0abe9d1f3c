"""A replica as its pod would have it, and a Prometheus that scrapes it as the Operator would tell it to."""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.real_call.programs import free_port
from tests.local_stack import find_program, get_json

from .conftest import Object, Tree, container, pod_of

POD = "facegauge-server-0"


def project_secret(secret: Object, folder: Path) -> None:
    """Lay a Secret's files out as the kubelet does: links to a folder that is replaced as a whole."""
    newest = folder / f"..{len(list(folder.glob('..[0-9]*')))}"
    newest.mkdir(parents=True)
    for key, value in secret["data"].items():
        (newest / key).write_bytes(base64.b64decode(value))
        if not (folder / key).is_symlink():
            (folder / key).symlink_to(Path("..data") / key)
    link = folder / "..data_tmp"
    link.symlink_to(newest.name)
    link.rename(folder / "..data")


@dataclass(frozen=True, slots=True)
class Replica:
    """A running server, as a pod would have it."""

    process: subprocess.Popen[str]
    workload: Object
    files: Path
    grpc: str
    metrics: str

    def probe(self, name: str) -> int:
        """Return the status that a probe of the container gets; the kubelet checks no certificate."""
        asked = container(self.workload)[name]["httpGet"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = f"{asked['scheme'].lower()}://{self.metrics}{asked['path']}"
        try:
            with urllib.request.urlopen(url, timeout=10, context=context) as response:  # noqa: S310 - our own
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextmanager
def running_replica(tree: Tree, files: Path) -> Iterator[Replica]:
    """The server as the Deployment starts it, but for its ports."""
    workload = tree.one("adapter", "Deployment", "facegauge-server")
    mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
    for volume in pod_of(workload)["spec"]["volumes"]:
        if "secret" in volume and not volume["secret"].get("optional"):
            secret = tree.one("adapter", "Secret", volume["secret"]["secretName"])
            project_secret(secret, files / mounts[volume["name"]].lstrip("/"))
    arguments = [
        re.sub(r":(50051|9464)$", ":0", argument.replace("=/etc", f"={files}/etc"))
        for argument in container(workload)["args"]
    ]
    command = [sys.executable, "-m", "facegauge_server", *arguments]
    environment = {**os.environ, "FACEGAUGE_PRECISION": "f32"}  # to choose one takes long
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        here = [
            ready[name].removeprefix("https://").removesuffix("/metrics").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
            for name in ("listen", "metrics")
        ]
        try:
            yield Replica(process, workload, files, *here)
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        asked = urllib.parse.urlencode({"query": expression})
        found: list[dict[str, Any]] = get_json(f"{self.url}/api/v1/query?{asked}")["data"]["result"]
        return found


@contextmanager
def running_prometheus(config: Object, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus with a configuration."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        find_program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()


def job_of(tree: Tree, monitor: Object, replica: Replica, folder: Path) -> Object:
    """The scrape job that the Prometheus Operator makes of a ServiceMonitor, for one pod."""
    (endpoint,) = monitor["spec"]["endpoints"]

    def file_of(reference: Object) -> str:
        secret = tree.one("adapter", "Secret", reference["name"])
        path = folder / f"{reference['name']}-{reference['key']}"
        path.write_bytes(base64.b64decode(secret["data"][reference["key"]]))
        return str(path)

    service = tree.one("adapter", "Service", "facegauge-replicas")
    return {
        "job_name": service["metadata"]["labels"][monitor["spec"]["jobLabel"]],
        "scheme": endpoint["scheme"],
        "metrics_path": endpoint["path"],
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "tls_config": {
            "ca_file": file_of(endpoint["tlsConfig"]["ca"]["secret"]),
            "server_name": endpoint["tlsConfig"]["serverName"],
        },
        "authorization": {
            "type": endpoint["authorization"]["type"],
            "credentials_file": file_of(endpoint["authorization"]["credentials"]),
        },
        "static_configs": [
            {"targets": [replica.metrics], "labels": {"namespace": "facegauge", "pod": POD, "zone": "a"}}
        ],
    }
