"""The real server, Envoy and Prometheus with the rendered arguments, files and Secrets."""

from __future__ import annotations

import base64
import contextlib
import itertools
import re
import signal
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
import yaml

from facegauge_client.sync import Client
from tests.local_stack import until

from .conftest import Tree, container, pod_of
from .pod import (
    POD,
    Prometheus,
    Proxy,
    Replica,
    job_of,
    project_secret,
    running_envoy,
    running_prometheus,
    running_replica,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def replica(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with running_replica(tree, tmp_path_factory.mktemp("pod")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tree: Tree, replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_envoy(tree, replica, tmp_path_factory.mktemp("envoy")) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(
    tree: Tree, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus with the ServiceMonitor's job and the PrometheusRule's rules, evaluated every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    rules = yaml.safe_dump(tree.one("adapter", "PrometheusRule", "facegauge")["spec"])
    (folder / "rules.yaml").write_text(re.sub(r"interval: \d+s", "interval: 1s", rules))
    monitor = tree.one("adapter", "ServiceMonitor", "facegauge-server")
    config = {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [job_of(tree, monitor, replica, folder)],
    }
    with running_prometheus(config, folder) as running:
        yield running


def test_the_probes_find_a_replica_that_scores(replica: Replica) -> None:
    """Startup, readiness and liveness ask what is there, over TLS."""
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        until(lambda name=name: replica.probe(name) == 200, name)  # type: ignore[misc]


def test_the_wait_by_which_replicas_are_scaled_is_answered(
    tree: Tree, proxy: Proxy, prometheus: Prometheus, portrait_jpeg: bytes
) -> None:
    """The adapter's query and KEDA's have a value for the pod: 0 on an idle one, more with a call."""
    values = yaml.safe_load(
        (tree.root / "deploy/kubernetes/components/autoscale-adapter/adapter-values.yaml").read_text()
    )
    (rule,) = values["rules"]["custom"]
    hpa = tree.one("adapter", "HorizontalPodAutoscaler", "facegauge-server")
    assert rule["name"]["as"] == hpa["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert set(rule["resources"]["overrides"]) == {"namespace", "pod"}
    series = rule["seriesQuery"].partition("{")[0]
    # What the adapter fills in for the pods of a namespace.
    filled = {
        "<<.Series>>": series,
        "<<.LabelMatchers>>": f'namespace="facegauge",pod=~"{POD}"',
        "<<.GroupBy>>": "pod",
    }
    by_adapter = rule["metricsQuery"]
    for placeholder, text in filled.items():
        by_adapter = by_adapter.replace(placeholder, text)
    scaled = tree.one("keda", "ScaledObject", "facegauge-server")
    by_keda = scaled["spec"]["triggers"][0]["metadata"]["query"]

    def answers() -> list[float]:
        found = prometheus.query(by_adapter)
        assert [one["metric"] for one in found] in ([], [{"pod": POD}])
        return [float(one["value"][1]) for one in (*found, *prometheus.query(by_keda))]

    until(lambda: answers() == [0.0, 0.0], "an idle replica waits for nothing, and says so")
    assert prometheus.query(rule["seriesQuery"]), "the adapter finds what it is to ask for"
    credentials = grpc.ssl_channel_credentials(tree.ca.cert_pem.bytes())
    with (
        Client(proxy.callers, credentials=credentials, token=tree.token("publish")) as client,
        client.monitor(stream_id="camera-1") as stream,
    ):
        clock_s = itertools.count()

        def waited() -> bool:
            stream.send(portrait_jpeg, capture_time_s=next(clock_s))
            return len(answers()) == 2 and all(wait_s > 0 for wait_s in answers())

        until(waited, "a replica that scores has waited a little")
        (quality,) = prometheus.query("facegauge_stream_quality_ratio")
        assert quality["metric"]["job"] == "facegauge"
        assert quality["metric"]["zone"] == "a"
        assert quality["metric"]["tenant"] == "acme"


def test_envoy_is_probed_and_scraped(tree: Tree, proxy: Proxy) -> None:
    """Its probe's path answers, and so does the ServiceMonitor's, with counts of its replicas."""
    workload = tree.one("adapter", "Deployment", "facegauge-envoy")
    (endpoint,) = tree.one("adapter", "ServiceMonitor", "facegauge-envoy")["spec"]["endpoints"]
    for name in ("startupProbe", "readinessProbe"):
        path = container(workload)[name]["httpGet"]["path"]
        urllib.request.urlopen(f"http://{proxy.metrics}{path}", timeout=10).close()
    asked = urllib.parse.urlencode(endpoint["params"], doseq=True)
    with urllib.request.urlopen(f"http://{proxy.metrics}{endpoint['path']}?{asked}", timeout=10) as scrape:
        assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="replicas"}' in scrape.read().decode()


def test_callers_do_not_reach_a_replica_past_envoy(tree: Tree, replica: Replica) -> None:
    """A replica shakes hands with nobody who has no certificate of its authority."""
    context = ssl.create_default_context(cadata=tree.ca.cert_pem.bytes().decode())
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    host, _, port = replica.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        with contextlib.suppress(ssl.SSLError, ConnectionError), context.wrap_socket(plain) as wrapped:
            # TLS 1.3 tells a client of its refusal after the handshake; who is let in gets HTTP/2's settings.
            assert wrapped.recv(1) == b""


def test_a_changed_secret_counts_without_a_restart(tree: Tree, replica: Replica) -> None:
    """The kubelet replaces a Secret's folder as a whole; the server follows, as the links do."""
    (token_folder,) = replica.files.rglob("metrics")
    context = ssl.create_default_context(cadata=tree.ca.cert_pem.bytes().decode())
    context.check_hostname = False  # it is for the Service's name

    def opens(token: str) -> bool:
        request = urllib.request.Request(
            f"https://{replica.metrics}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            urllib.request.urlopen(request, timeout=10, context=context).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return False
            raise
        return True

    assert not opens("the-next-token-of-scrapers")
    secret = {"data": {"token": base64.b64encode(b"the-next-token-of-scrapers\n").decode()}}
    project_secret(secret, token_folder)
    until(lambda: opens("the-next-token-of-scrapers"), "the new token opens /metrics")


def test_the_replica_ends_within_its_grace(replica: Replica) -> None:
    """After preStop comes SIGTERM: readiness goes at once, and the process ends before SIGKILL would come."""
    spec = pod_of(replica.workload)["spec"]
    pause_s = container(replica.workload)["lifecycle"]["preStop"]["sleep"]["seconds"]
    replica.process.send_signal(signal.SIGTERM)
    assert replica.process.wait(spec["terminationGracePeriodSeconds"] - pause_s) == 0
