"""The stack of `deploy/local.sh` for tests: server, Prometheus and Alertmanager on free ports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the running programs are."""

    server: str
    metrics: str
    prometheus: str
    alertmanager: str
    pids: dict[str, int]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask Prometheus for a value now."""
        asked = urllib.parse.urlencode({"query": expression})
        found: list[dict[str, Any]] = get_json(f"{self.prometheus}/api/v1/query?{asked}")["data"]["result"]
        return found


def find_program(name: str) -> str:
    """Return the path of a Debian program; skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs the program {name}: apt-get install prometheus prometheus-alertmanager")
    return path


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own programs
        return json.load(response)


def until(condition: Callable[[], bool], what: str, limit_s: float = 100) -> None:
    """Poll a program that has no other way to tell."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        try:
            if condition():
                return
        except urllib.error.URLError:
            pass
        time.sleep(0.1)
    pytest.fail(f"never happened within {limit_s:g} s: {what}")


@contextmanager
def running_stack(*flags: str, **environment: str) -> Iterator[Stack]:
    """Run `deploy/local.sh` with flags for the server, and stop it as Ctrl-C does."""
    for name in ("prometheus", "prometheus-alertmanager"):
        find_program(name)
    ports = dict.fromkeys(("GRPC_PORT", "METRICS_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT"), "0")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        [ROOT / "deploy" / "local.sh", *flags],
        env={**os.environ, "PATH": path, **ports, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, "the stack did not start: see stderr"
            yield Stack(**json.loads(ready))
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def compressed_configuration(folder: Path) -> dict[str, str]:
    """Write the committed rules and Prometheus' configuration into the folder with their time cut short.

    Scrapes and evaluations come five times a second, a stream's alerts wait 2 s and look back for 3 s, a
    minute's window is 10 s; those about the server keep their waits, so that a busy machine sets none of them
    off; thresholds, joins, labels and texts are the committed ones. Returns the environment for
    `running_stack`.
    """
    rules = folder / "rules"
    rules.mkdir()
    for path in (ROOT / "dashboards" / "rules").glob("*.yaml"):
        text = re.sub(r"interval: \d+s", "interval: 200ms", path.read_text())
        if path.stem in {"streams", "faults"}:
            text = re.sub(r"\bfor: \d+[sm]", "for: 2s", text)
        (rules / path.name).write_text(text.replace("[1m]", "[10s]").replace("[15s]", "[3s]"))
    config = (ROOT / "deploy" / "prometheus.yml").read_text()
    config = re.sub(r"_interval: 5s", "_interval: 200ms", config).replace("timeout: 4s", "timeout: 200ms")
    (folder / "prometheus.yml").write_text(config)
    return {"PROMETHEUS_RULES": str(rules), "PROMETHEUS_CONFIG": str(folder / "prometheus.yml")}
