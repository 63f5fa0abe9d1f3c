"""What the Deployment says of the server is so: its flags, ports and times, and what it needs to start."""

from __future__ import annotations

import click
import pytest

from facegauge_server.cli import _config_from, command
from facegauge_server.config import Config
from facegauge_server.serve import EXIT_MARGIN_S

from .conftest import OVERLAYS, Object, Tree, container, pod_of

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def server(tree: Tree, overlay: str = "fixed") -> Object:
    return tree.one(overlay, "Deployment", "facegauge-server")


def config_of(workload: Object) -> Config:
    """What the server makes of the container's arguments; it refuses what is not safe."""
    context = command.make_context("facegauge-server", list(container(workload)["args"]))
    flags = dict(context.params)
    assert not flags.pop("replicas"), "a pod is one replica"
    del flags["envoy_replicas"], flags["log_format"]
    with context:
        return _config_from(flags)


@each_overlay
def test_the_server_takes_its_arguments(tree: Tree, overlay: str) -> None:
    """They are its flags; it listens with TLS, asks callers who they are, and shows metrics by token."""
    config = config_of(server(tree, overlay))
    assert not config.insecure
    assert not config.metrics_insecure
    assert config.asks_for_certificates, "only Envoy connects"
    assert config.auth_keys is not None, "callers are told apart by their tokens"
    assert config.webhook_url is None, "no connection of its own: there is no egress"


def test_a_flag_that_the_server_lacks_is_found() -> None:
    """The check above would not pass a slip."""
    slip = {"spec": {"template": {"spec": {"containers": [{"args": ["--drain-grase=10"]}]}}}}
    with pytest.raises(click.NoSuchOption):
        config_of(slip)


def test_ports_and_paths_are_the_servers(tree: Tree) -> None:
    """The named ports are those that it listens on, and every file that it reads is on a volume."""
    workload = server(tree)
    config = config_of(workload)
    ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
    assert ports == {"grpc": config.listen.port, "metrics": config.metrics_listen.port}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
    files = {
        mounts[volume["name"]] + "/" + key
        for volume in pod_of(workload)["spec"]["volumes"]
        if "secret" in volume and not volume["secret"].get("optional")
        for key in tree.one("fixed", "Secret", volume["secret"]["secretName"])["data"]
    }
    named = {argument.partition("=")[2] for argument in container(workload)["args"] if "=/" in argument}
    assert named == files, "each file is there, and each that is there is used"


def test_the_grace_fits_the_drain(tree: Tree) -> None:
    """PreStop, then the drain's grace, then the margin after which the server ends; SIGKILL is for later."""
    workload = server(tree)
    config = config_of(workload)
    pause_s = container(workload)["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed_s = pause_s + config.drain_grace_s + EXIT_MARGIN_S
    assert pod_of(workload)["spec"]["terminationGracePeriodSeconds"] >= needed_s


def test_workers_are_as_many_as_the_cores_asked_for(tree: Tree) -> None:
    """By itself the server would count the node's cores; and it exports every stream that it takes."""
    workload = server(tree)
    config = config_of(workload)
    assert config.workers == int(container(workload)["resources"]["requests"]["cpu"])
    assert "cpu" not in container(workload)["resources"]["limits"]
    assert config.limits.max_exported_streams == config.limits.max_streams


def test_the_autoscalers_agree(tree: Tree) -> None:
    """Adapter and KEDA scale alike, and aim below the wait at which a server refuses streams."""
    hpa = tree.one("adapter", "HorizontalPodAutoscaler", "facegauge-server")["spec"]
    keda = tree.one("keda", "ScaledObject", "facegauge-server")["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (keda["minReplicaCount"], keda["maxReplicaCount"])
    assert hpa["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    by_wait, by_cpu = hpa["metrics"]
    triggers = {trigger["type"]: trigger for trigger in keda["triggers"]}
    target = by_wait["pods"]["target"]
    assert target["type"] == triggers["prometheus"]["metricType"] == "AverageValue"
    wait_s = float(triggers["prometheus"]["metadata"]["threshold"])
    assert target["averageValue"] == f"{wait_s * 1000:.0f}m"
    assert wait_s < config_of(server(tree)).limits.max_worker_wait_s / 2
    assert by_cpu["resource"]["target"]["averageUtilization"] == int(triggers["cpu"]["metadata"]["value"])
