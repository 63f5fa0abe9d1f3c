"""The stack's configuration: Alertmanager's routes and inhibitions as it takes them, compose as text."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from bench.real_call.programs import free_port
from facegauge_gateway.cli import command as gateway_command
from facegauge_server.cli import command as server_command
from tests.local_stack import find_program, get_json, until

from .conftest import ROOT, read_alerts

DEPLOY = ROOT / "deploy"
STREAM = {"job": "facegauge", "instance": "a", "tenant": "acme", "call_id": "standup", "stream_id": "cam"}
SERVER = {"job": "facegauge", "instance": "a"}

Labels = dict[str, str]


def alert(name: str, severity: str, scope: str, where: Labels) -> Labels:
    return {"alertname": name, "severity": severity, "scope": scope, **where}


LOW = alert("StreamQualityLow", "warning", "stream", STREAM)
FROZEN = {**alert("StreamFrozen", "warning", "stream", STREAM), "cause": "freeze"}
BURN = {"job": "facegauge", "scope": "fleet", "alertname": "LatencyBudgetBurn"}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Alertmanager with the committed configuration."""
    port = free_port()
    command = [
        find_program("prometheus-alertmanager"),
        f"--config.file={DEPLOY / 'alertmanager.yml'}",
        f"--storage.path={tmp_path_factory.mktemp('alertmanager')}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: bool(get_json(f"{url}/api/v2/status")), "Alertmanager answers")
            yield url
        finally:
            process.terminate()


def post(url: str, *alerts: Labels) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - our own program


@pytest.mark.parametrize(
    ("source", "held_back", "told"),
    [
        pytest.param(
            alert("ManyStreamsLow", "critical", "fleet", {"job": "facegauge"}),
            LOW,
            {**LOW, "job": "another"},
            id="everybody looks bad",
        ),
        pytest.param(
            alert("ServerDown", "critical", "fleet", SERVER),
            alert("SheddingLoad", "warning", "server", SERVER),
            alert("SheddingLoad", "warning", "server", {**SERVER, "instance": "b"}),
            id="server down",
        ),
        pytest.param(
            alert("GatewayDown", "critical", "gateway", SERVER),
            alert("PacketLossHigh", "warning", "stream", STREAM),
            alert("PacketLossHigh", "warning", "stream", {**STREAM, "instance": "b"}),
            id="gateway down",
        ),
        pytest.param(
            alert("GatewayNotReady", "critical", "gateway", SERVER),
            alert("StreamsNotTaken", "warning", "gateway", SERVER),
            alert("PacketsRefused", "warning", "gateway", SERVER),
            id="gateway not ready",
        ),
        pytest.param(
            alert("StreamStalled", "warning", "stream", STREAM),
            alert("FaceAbsent", "info", "stream", STREAM),
            alert("FaceAbsent", "info", "stream", {**STREAM, "stream_id": "other"}),
            id="stream stalled",
        ),
        pytest.param(
            alert("StreamStalled", "warning", "stream", STREAM),
            LOW,
            {**LOW, "tenant": "globex"},
            id="stream of another tenant",
        ),
        pytest.param(
            alert("StreamStalled", "warning", "stream", STREAM),
            FROZEN,
            {**FROZEN, "stream_id": "other"},
            id="stream stalled and frozen",
        ),
        pytest.param(
            alert("ManyStreamsFrozen", "critical", "fleet", {"job": "facegauge"}),
            FROZEN,
            {**FROZEN, "job": "another"},
            id="everybody is frozen",
        ),
        pytest.param(
            alert("StreamCovered", "info", "stream", STREAM),
            alert("FaceAbsent", "info", "stream", STREAM),
            alert("FaceAbsent", "info", "stream", {**STREAM, "stream_id": "other"}),
            id="covered",
        ),
        pytest.param(
            alert("WebhookNotDelivering", "warning", "server", SERVER),
            alert("WebhookEventsLost", "warning", "server", SERVER),
            alert("WebhookEventsLost", "warning", "server", {**SERVER, "instance": "b"}),
            id="webhook not delivering",
        ),
        pytest.param(
            alert("NoWorkerServing", "critical", "server", SERVER),
            alert("ServerNotReady", "critical", "server", SERVER),
            alert("ServerNotReady", "critical", "server", {**SERVER, "instance": "b"}),
            id="no worker",
        ),
        pytest.param(
            {**BURN, "severity": "critical"},
            {**BURN, "severity": "warning"},
            {**BURN, "severity": "warning", "job": "another"},
            id="critical burn",
        ),
        pytest.param(
            alert("SheddingLoad", "warning", "server", SERVER),
            alert("QueueSaturated", "warning", "server", SERVER),
            alert("QueueSaturated", "warning", "server", {**SERVER, "instance": "b"}),
            id="shedding load",
        ),
    ],
)
def test_the_larger_alert_holds_the_smaller_back(
    alertmanager: str, source: Labels, held_back: Labels, told: Labels
) -> None:
    """An alert that explains another inhibits it, and leaves alone what it does not explain."""
    # A job of its own keeps each case from the others' alerts.
    apart = {"job": f"{source['alertname']}-case"}
    source, held_back = {**source, **apart}, {**held_back, **apart}
    told = {**told, "job": told["job"] + apart["job"]} if told["job"] == "another" else {**told, **apart}
    post(alertmanager, source, held_back, told)

    def inhibited(labels: Labels) -> bool | None:
        for found in get_json(f"{alertmanager}/api/v2/alerts"):
            if found["labels"] == labels and found["status"]["state"] != "unprocessed":
                return bool(found["status"]["inhibitedBy"])
        return None

    until(lambda: inhibited(held_back) is True, "Alertmanager holds the smaller alert back")
    until(lambda: inhibited(told) is False, "Alertmanager tells the other")
    assert inhibited(source) is False


@pytest.mark.parametrize("rule", read_alerts(), ids=lambda rule: rule["alert"])
def test_severity_decides_who_is_told(rule: dict[str, Any]) -> None:
    """Critical alerts page, infos reach nobody, the others reach the operators."""
    labels = [f"{name}={value}" for name, value in {**rule["labels"], "alertname": rule["alert"]}.items()]
    command = [find_program("amtool"), "config", "routes", "test"]
    command += [f"--config.file={DEPLOY / 'alertmanager.yml'}", *labels]
    receiver = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    expected = {"critical": "pager", "warning": "operators", "info": "nobody"}
    assert receiver == expected[rule["labels"]["severity"]]


def test_a_calls_streams_are_told_in_one_message() -> None:
    """Alerts of streams are grouped by their call."""
    routes = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())["route"]["routes"]
    streams = next(route for route in routes if 'scope="stream"' in route["matchers"])
    assert streams["group_by"] == ["job", "tenant", "call_id"]


def test_the_configurations_are_well_formed() -> None:
    """Promtool and amtool accept them."""
    for command in (
        [find_program("promtool"), "check", "config", "--syntax-only", str(DEPLOY / "prometheus.yml")],
        [find_program("amtool"), "check-config", str(DEPLOY / "alertmanager.yml")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def compose() -> dict[str, Any]:
    file: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return file


def test_the_compose_file_pins_its_images_and_keeps_to_this_machine() -> None:
    """No image floats, and no port is published beyond loopback, as gRPC goes in clear inside."""
    services = compose()["services"]
    assert set(services) == {"server", "gateway", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        if "image" in service:
            _, _, version = service["image"].partition(":")
            assert version.lstrip("v").count(".") == 2
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_compose_bounds_what_is_ours_and_asks_whether_the_server_lives() -> None:
    """A leak or a flood ends the container and not its host, and the check is the image's own."""
    services = compose()["services"]
    for ours in (services["server"], services["gateway"]):
        assert ours["mem_limit"] == ours["memswap_limit"], "with swap, a leak would slow the host down first"
        assert 0 < ours["pids_limit"] <= 1024
        assert ours["read_only"] is True
        assert ours["cap_drop"] == ["ALL"]
    server = services["server"]
    assert "127.0.0.1:9464/livez" in server["healthcheck"]["test"][-1]


IMAGES = {"Dockerfile": 9464, "gateway/Dockerfile": 9465}
"""Each image, and the port of its /livez."""
each_image = pytest.mark.parametrize("image", IMAGES)


def instructions(image: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions in order, continued lines joined."""
    text = (ROOT / image).read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


@each_image
def test_the_image_has_one_exact_base(image: str) -> None:
    """Both stages stand on the same patch version of Python."""
    bases = {rest.split(" ")[0] for name, rest in instructions(image) if name == "FROM"}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", base)


@each_image
def test_the_image_installs_by_hash_alone(image: str) -> None:
    """Every pip that may ask a registry demands hashes and resolves nothing; the others may not ask."""
    for name, rest in instructions(image):
        if name == "RUN":
            commands = [shlex.split(command) for command in rest.split("&&")]
            for command in commands:
                if command[0].endswith("pip") and command[1] in ("install", "wheel"):
                    assert "--no-deps" in command
                    assert ("--require-hashes" in command) != ("--no-index" in command)


@each_image
def test_the_image_runs_bounded_and_says_whether_it_lives(image: str) -> None:
    """Nobody's root, listening on loopback unless told otherwise, healthy while /livez answers."""
    found = instructions(image)
    assert [rest for name, rest in found if name == "USER"] == ["10001"]
    assert not [rest for name, rest in found if name == "CMD"], (
        "what is exposed is the operator's word to say"
    )
    assert not [rest for _, rest in found if "--insecure" in rest]
    (check,) = (rest for name, rest in found if name == "HEALTHCHECK")
    assert json.loads(check[check.index("[") :])[2] in (
        f"import urllib.request as r; r.urlopen('http://127.0.0.1:{IMAGES[image]}/livez', timeout=3)",
    )
    copied = {path for name, rest in found if name == "COPY" for path in rest.split(" ")[:-1]}
    assert all((ROOT / path).exists() for path in copied if not path.startswith(("-", "/opt")))


def pins(name: str) -> dict[str, str]:
    """The exact versions of a pinned list; each line but the comment is a pin or one of its hashes."""
    lines = (DEPLOY / name).read_text().replace("\\\n", " ").splitlines()[1:]
    found: dict[str, str] = {}
    for line in lines:
        pin, *hashes = line.split(" --hash=")
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64} *", value) for value in hashes)
        package, _, version = pin.partition(";")[0].strip().partition("==")
        found.setdefault(package, version.strip())
    return found


def test_the_image_pins_what_the_server_asks_for() -> None:
    """Each of the server's requirements has a pin that meets it; MediaPipe's is the workspace's own."""
    project = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())["project"]
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    overrides = {Requirement(text).name: Requirement(text) for text in workspace["override-dependencies"]}
    pinned = pins("requirements.txt")
    for wanted in map(Requirement, project["dependencies"]):
        if wanted.name != "facegauge-proto":
            assert overrides.get(wanted.name, wanted).specifier.contains(pinned[wanted.name])
    assert not {"torch", "matplotlib", "opencv-contrib-python", "opencv-python"} & pinned.keys()
    assert "hatchling" in pins("requirements-build.txt")


def test_the_gateways_image_pins_what_it_asks_for() -> None:
    """Its own requirements and the SDK's; nothing of the server's."""
    pinned = pins("requirements-gateway.txt")
    for folder in ("client", "gateway"):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for wanted in map(Requirement, project["dependencies"]):
            if not wanted.name.startswith("facegauge-"):
                assert wanted.specifier.contains(pinned[wanted.name])
    assert not {"torch", "openvino", "mediapipe", "opencv-python", "matplotlib"} & pinned.keys()


def test_the_compose_file_mounts_what_there_is() -> None:
    """Every file that is mounted exists, every volume is declared, every dependency is a service."""
    file = compose()
    for service in file["services"].values():
        assert set(service.get("depends_on", ())) <= set(file["services"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in file["volumes"]
        if "build" in service:
            build = service["build"]
            assert (DEPLOY / build["context"] / build.get("dockerfile", "Dockerfile")).is_file()


def test_the_compose_files_addresses_fit_together() -> None:
    """Prometheus scrapes and alerts the services by their names and ports, and the server knows its flags."""
    services = compose()["services"]
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert jobs == {"facegauge": ["server:9464"], "facegauge-gateway": ["gateway:9465"]}
    (alerted,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    scraped = itertools.chain.from_iterable(jobs.values())
    for address in (*scraped, alerted, services["grafana"]["environment"]["FACEGAUGE_PROMETHEUS_URL"][7:]):
        host, _, port = address.partition(":")
        assert any(published.endswith(f":{port}") for published in services[host]["ports"])
    flags = {flag.partition("=")[0] for flag in services["server"]["command"]}
    assert flags <= {option for parameter in server_command.params for option in parameter.opts}
    subcommand, *words = services["gateway"]["command"]
    known = {option for one in gateway_command.commands[subcommand].params for option in one.opts}
    assert {word.partition("=")[0] for word in words} <= known
    assert "--server=server:50051" in words


def test_the_stack_without_containers_uses_the_same_files(tmp_path: Path) -> None:
    """`deploy/local.sh` is sound shell, and its substitutions find what they replace."""
    subprocess.run(["bash", "-n", DEPLOY / "local.sh"], check=True, cwd=tmp_path)
    config = (DEPLOY / "prometheus.yml").read_text()
    for original in ("server:9464", "gateway:9465", "alertmanager:9093", "/etc/prometheus/rules"):
        assert original in config
        assert original in (DEPLOY / "local.sh").read_text()
