"""A real Prometheus that scrapes simulated replicas, with the rules of the repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from bench.real_call.programs import free_port

__all__ = ["Prometheus", "Sizes", "prometheus_process", "scraping"]

ROOT = Path(__file__).parents[2]
START_S = 60.0
ZONES = "abc"
LEAN = ROOT / "deploy" / "kubernetes" / "components" / "lean" / "drop-series.yaml"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Prometheus at one moment."""

    elapsed_s: float
    resident_mib: float
    heap_mib: float
    """In use by its own objects, after the last collection."""
    series: int
    samples: int
    """Appended since its start."""
    cpu_s: float
    """Since its start."""
    iterations: int
    """Evaluations of a group of rules since its start."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str
    process: psutil.Process

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask its API; returns what it has under `data`."""
        asked = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{asked}", timeout=120) as response:  # noqa: S310
            return json.load(response)["data"]

    def value(self, expression: str) -> float:
        """Return the value of an expression now; 0 where there is none."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def sizes(self, started_s: float) -> Sizes:
        """Return what it holds and what it does; `started_s` is monotonic time."""
        own = 'job="prometheus"'
        return Sizes(
            elapsed_s=time.monotonic() - started_s,
            resident_mib=self.process.memory_info().rss / 2**20,
            heap_mib=self.value(f"go_memstats_heap_inuse_bytes{{{own}}}") / 2**20,
            series=int(self.value(f"prometheus_tsdb_head_series{{{own}}}")),
            samples=int(self.value(f"prometheus_tsdb_head_samples_appended_total{{{own}}}")),
            cpu_s=self.cpu_s(),
            iterations=int(
                self.value(f"sum(prometheus_rule_group_iterations_total{{{own}}})")
                - self.value(f"sum(prometheus_rule_group_iterations_missed_total{{{own}}})")
            ),
        )

    def cpu_s(self) -> float:
        """Return its processor time since its start, user and system."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def scraping(port: int, replicas: int, interval_s: int, *, rules_s: int, lean: bool) -> dict[str, Any]:
    """Return the configuration of a Prometheus that scrapes simulated replicas, and itself.

    Args:
        port: of the simulated replicas, on loopback.
        replicas: how many there are.
        interval_s: between scrapes, seconds.
        rules_s: between evaluations of the repository's rules, seconds; 0 evaluates none.
        lean: leave out what the component `lean` of deploy/kubernetes leaves out.
    """
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "__metrics_path__": f"/replica/{number}",
                "instance": f"replica-{number}",
                "zone": ZONES[number % len(ZONES)],
            },
        }
        for number in range(replicas)
    ]
    job: dict[str, Any] = {"job_name": "facegauge", "static_configs": targets}
    if lean:
        (patch,) = yaml.safe_load(LEAN.read_text())
        job["metric_relabel_configs"] = [
            {"source_labels": rule["sourceLabels"], "regex": rule["regex"], "action": rule["action"]}
            for rule in patch["value"]
        ]
    every = f"{interval_s}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(_rules_every(f"{rules_s}s"))] if rules_s else [],
        "scrape_configs": [job],
    }


def _rules_every(interval: str) -> Path:
    """Write the repository's rules with another interval; returns a pattern of their paths."""
    folder = Path(tempfile.mkdtemp(prefix="rules-"))
    for path in (ROOT / "dashboards" / "rules").glob("*.yaml"):
        text = re.sub(r"interval: \d+s", f"interval: {interval}", path.read_text())
        (folder / path.name).write_text(text)
    return folder / "*.yaml"


@contextmanager
def prometheus_process(folder: Path, config: dict[str, Any]) -> Iterator[Prometheus]:
    """Run Prometheus, with its data in a folder, until the block ends; it scrapes itself too."""
    address = f"127.0.0.1:{free_port()}"
    itself = {"job_name": "prometheus", "static_configs": [{"targets": [address]}]}
    scrapes = [*config.get("scrape_configs", ()), itself]
    (folder / "prometheus.yml").write_text(yaml.safe_dump({**config, "scrape_configs": scrapes}))
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("needs the program prometheus: apt-get install prometheus")
    command = (
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    with subprocess.Popen(command) as process:  # noqa: S603 - our own configuration
        try:
            yield _answering(f"http://{address}", process)
        finally:
            process.terminate()


def _answering(url: str, process: subprocess.Popen[bytes]) -> Prometheus:
    deadline_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=2).close()  # noqa: S310 - our own program
        except urllib.error.URLError:
            time.sleep(0.1)  # it has no other way to tell
        else:
            return Prometheus(url, psutil.Process(process.pid))
    raise SystemExit("Prometheus did not become ready")
