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

import pytest
import yaml

from bench.envoy import find_envoy
from bench.real_call.programs import free_port
from tests.local_stack import find_program, get_json

from .conftest import Object, Tree, container, pod_of

OVERLAY = "adapter"
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


def mount(tree: Tree, workload: Object, root: Path) -> None:
    """Lay out what a pod mounts of Secrets and ConfigMaps, below a folder in place of /."""
    mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
    for volume in pod_of(workload)["spec"]["volumes"]:
        folder = root / mounts[volume["name"]].lstrip("/")
        secret, config = volume.get("secret"), volume.get("configMap")
        if secret and not secret.get("optional"):
            project_secret(tree.one(OVERLAY, "Secret", secret["secretName"]), folder)
        elif config:
            folder.mkdir(parents=True)
            for name, text in tree.one(OVERLAY, "ConfigMap", config["name"])["data"].items():
                (folder / name).write_text(text.replace("/etc/envoy", f"{root}/etc/envoy"))


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
    workload = tree.one(OVERLAY, "Deployment", "facegauge-server")
    mount(tree, workload, files)
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
        secret = tree.one(OVERLAY, "Secret", reference["name"])
        path = folder / f"{reference['name']}-{reference['key']}"
        path.write_bytes(base64.b64decode(secret["data"][reference["key"]]))
        return str(path)

    service = tree.one(OVERLAY, "Service", "facegauge-replicas")
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


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running Envoy, as its pod would have it."""

    callers: str
    metrics: str


@contextmanager
def running_envoy(tree: Tree, replica: Replica, root: Path) -> Iterator[Proxy]:
    """Run Envoy with the Deployment's arguments on free ports, the replica in the place of the Service."""
    workload = tree.one(OVERLAY, "Deployment", "facegauge-envoy")
    mount(tree, workload, root)
    path = root / "etc" / "envoy" / "config" / "envoy.yaml"
    config = yaml.safe_load(path.read_text())
    ports = dict(zip(("callers", "metrics", "admin"), (free_port() for _ in range(3)), strict=True))
    declared = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
    for listener in config["static_resources"]["listeners"]:
        address = listener["address"]["socket_address"]
        assert address == {"address": "0.0.0.0", "port_value": declared[listener["name"]]}  # noqa: S104
        address |= {"address": "127.0.0.1", "port_value": ports[listener["name"]]}
    endpoints = {
        cluster["name"]: cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
        for cluster in config["static_resources"]["clusters"]
    }
    service = tree.one(OVERLAY, "Service", "facegauge-replicas")
    replicas = endpoints["replicas"]["socket_address"]
    assert replicas["address"] == service["metadata"]["name"]
    assert replicas["port_value"] in {port["port"] for port in service["spec"]["ports"]}
    host, _, port = replica.grpc.rpartition(":")
    replicas |= {"address": host, "port_value": int(port)}
    for admin in (config["admin"]["address"], endpoints["admin"]):
        admin["socket_address"]["port_value"] = ports["admin"]
    path.write_text(yaml.safe_dump(config))
    program = find_envoy()
    if program is None:
        pytest.skip("needs Envoy, whose wheel is for Linux")
    arguments = [argument.replace("/etc", f"{root}/etc") for argument in container(workload)["args"]]
    command = [program, *arguments, "--log-level", "warning"]
    with (root / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield Proxy(f"127.0.0.1:{ports['callers']}", f"127.0.0.1:{ports['metrics']}")
        finally:
            process.terminate()
    told = [line for line in (root / "log").read_text().splitlines() if "[warning]" in line]
    assert [line for line in told if "ENVOY_SIGTERM" not in line] == [], "of Envoy"
