"""Every overlay renders, every object is what its API takes, and what one says of another is so."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from deploy.generator.__main__ import KUBERNETES, main

from .conftest import OVERLAYS, ROOT, Object, Tree, container, pod_of
from .schemas import NotTaken, check

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@pytest.mark.timeout(300)  # the operator's models alone take 5 s of processor time to import
@each_overlay
def test_every_object_is_what_its_api_takes(tree: Tree, overlay: str) -> None:
    """By the schemas of the API's releases, unknown fields refused; and each is in the namespace."""
    things = tree.render(overlay)
    for thing in things:
        check(thing)
        assert thing["metadata"].get("namespace", "facegauge") == "facegauge"
        assert ("namespace" in thing["metadata"]) == (thing["kind"] != "Namespace")
    names = [(thing["kind"], thing["metadata"]["name"]) for thing in things]
    assert len(names) == len(set(names))


def misspelt(thing: Object) -> None:
    thing["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}


def missing(thing: Object) -> None:
    del thing["spec"]["selector"]


def out_of_bounds(thing: Object) -> None:
    thing["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "soon"


@pytest.mark.parametrize("spoil", [misspelt, missing, out_of_bounds])
def test_the_check_refuses(tree: Tree, spoil: Callable[[Object], None]) -> None:
    """What a slip of the pen would do to the Deployment."""
    thing = copy.deepcopy(tree.one("fixed", "Deployment", "facegauge-server"))
    check(thing)
    spoil(thing)
    with pytest.raises(NotTaken):
        check(thing)


def test_the_check_refuses_also_custom_resources(tree: Tree) -> None:
    """A misspelt field, a missing one and one of another type."""
    monitor = tree.one("fixed", "ServiceMonitor", "facegauge-server")
    scaled = tree.one("keda", "ScaledObject", "facegauge-server")
    for thing, key, value in (
        (monitor, "jobLable", "x"),
        (monitor, "selector", None),
        (scaled, "minReplicaCount", "few"),
    ):
        spoilt = copy.deepcopy(thing)
        spoilt["spec"][key] = value
        with pytest.raises(NotTaken):
            check(spoilt)


def test_what_is_generated_is_current(tmp_path: Any) -> None:
    """`python -m deploy.generator` changes nothing."""
    main(tmp_path)
    for path in tmp_path.rglob("*.yaml"):
        assert path.read_text() == (KUBERNETES / path.relative_to(tmp_path)).read_text()


@each_overlay
def test_the_rules_and_dashboards_are_those_of_the_repository(tree: Tree, overlay: str) -> None:
    """The PrometheusRule has every group of every file, each ConfigMap a dashboard as it is."""
    groups = [
        group
        for path in sorted((ROOT / "dashboards" / "rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    assert tree.one(overlay, "PrometheusRule", "facegauge")["spec"]["groups"] == groups
    boards = {path.name: path.read_text() for path in (ROOT / "dashboards" / "grafana").glob("*.json")}
    found: dict[str, str] = {}
    for thing in tree.render(overlay):
        if thing["kind"] == "ConfigMap" and thing["metadata"].get("labels", {}).get("grafana_dashboard"):
            found |= thing["data"]
            assert len(json.dumps(thing)) < 200_000, "kubectl apply keeps a copy in an annotation of 256 KiB"
    assert found == boards


@each_overlay
def test_what_is_referred_to_is_there(tree: Tree, overlay: str) -> None:
    """Secrets and their keys, ConfigMaps, ports by name, workloads by name and by label."""
    things = tree.render(overlay)
    workloads = [thing for thing in things if thing["kind"] == "Deployment"]
    kept = {
        (thing["kind"], thing["metadata"]["name"]): set(thing["data"])
        for thing in things
        if thing["kind"] in {"Secret", "ConfigMap"}
    }
    for workload in workloads:
        spec = pod_of(workload)["spec"]
        mounted = {mount["name"] for mount in container(workload)["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}
        for volume in spec["volumes"]:
            secret, config = volume.get("secret"), volume.get("configMap")
            if secret and not secret.get("optional"):
                assert ("Secret", secret["secretName"]) in kept
                assert secret["defaultMode"] & 0o007 == 0, "others may not read it"
            if config:
                assert ("ConfigMap", config["name"]) in kept
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels_of(workload).items()
    for thing in things:
        spec = thing.get("spec", {})
        match thing["kind"]:
            case "Service":
                (workload,) = selected(spec["selector"], workloads)
                ports = {port["name"] for port in container(workload)["ports"]}
                assert {port["targetPort"] for port in spec["ports"]} <= ports
            case "PodDisruptionBudget":
                assert len(selected(spec["selector"]["matchLabels"], workloads)) == 1
            case "HorizontalPodAutoscaler" | "ScaledObject":
                (workload,) = (
                    one
                    for one in workloads
                    if one["metadata"]["name"] == spec["scaleTargetRef"]["name"]
                    and one["apiVersion"] == spec["scaleTargetRef"]["apiVersion"]
                )
                assert "replicas" not in workload["spec"], "or every apply would undo the autoscaler"
            case "NetworkPolicy" if spec["podSelector"]:
                (workload,) = selected(spec["podSelector"]["matchLabels"], workloads)
                ports = {port["name"] for port in container(workload)["ports"]}
                for rule in spec["ingress"]:
                    assert {port["port"] for port in rule["ports"]} <= ports
                for rule in spec["egress"]:
                    for to in (to["podSelector"]["matchLabels"] for to in rule["to"]):
                        reached = selected(to, workloads)
                        assert len(reached) == 1 or to == {"k8s-app": "kube-dns"}
                        open_ports = {port["name"] for one in reached for port in container(one)["ports"]}
                        assert {port["port"] for port in rule["ports"]} <= open_ports | {53}
            case "ServiceMonitor":
                (service,) = (
                    one
                    for one in things
                    if one["kind"] == "Service"
                    and spec["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
                )
                (endpoint,) = spec["endpoints"]
                assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
                for secret in references(endpoint):
                    assert secret["key"] in kept["Secret", secret["name"]]


def references(endpoint: Object) -> Iterator[Object]:
    """The Secrets that a scrape needs."""
    if "authorization" in endpoint:
        yield endpoint["authorization"]["credentials"]
    for one in endpoint.get("tlsConfig", {}).values():
        if isinstance(one, dict):
            yield one["secret"]


def labels_of(workload: Object) -> dict[str, str]:
    labels: dict[str, str] = pod_of(workload)["metadata"]["labels"]
    return labels


def selected(labels: dict[str, str], workloads: list[Object]) -> list[Object]:
    return [workload for workload in workloads if labels.items() <= labels_of(workload).items()]


@each_overlay
def test_pods_may_do_nothing_that_they_need_not(tree: Tree, overlay: str) -> None:
    """By the standard `restricted` of Pod Security, which the namespace enforces; and no more than that."""
    namespace = tree.one(overlay, "Namespace", "facegauge")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in (thing for thing in tree.render(overlay) if thing["kind"] == "Deployment"):
        pod, inner = pod_of(workload)["spec"], container(workload)["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 10_000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert inner == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPath" in volume for volume in pod["volumes"])
        assert all(
            mount["readOnly"] for mount in container(workload)["volumeMounts"] if mount["name"] != "tmp"
        )
        assert container(workload)["resources"]["limits"]["memory"]
        image, _, tag = container(workload)["image"].rpartition(":")
        assert image
        assert tag != "latest"


@each_overlay
def test_the_server_may_open_no_connection(tree: Tree, overlay: str) -> None:
    """It has no egress; everything in the namespace starts from nothing."""
    nothing = tree.one(overlay, "NetworkPolicy", "nothing-else")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    server = tree.one(overlay, "NetworkPolicy", "facegauge-server")["spec"]
    assert server["egress"] == []
    assert "Egress" in server["policyTypes"]
    assert all(rule["from"] and rule["ports"] for rule in server["ingress"])
