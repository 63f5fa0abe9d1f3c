"""From a bad picture to the operator's message and back, with the real programs, in compressed time."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from facegauge_client.sdk.types import FrameResult
from facegauge_client.sync import Client
from tests.local_stack import ROOT, compressed_configuration, running_stack, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FIRED = 'ALERTS{alertname="StreamQualityLow", stream_id="camera-1"}'


@pytest.fixture
def messages() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The operator's webhook: where it listens and what Alertmanager told it."""
    told: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", told
        server.shutdown()
        thread.join()


def told_at_once(folder: Path, webhook: str) -> dict[str, str]:
    """The committed Alertmanager configuration, without its waits, and with a webhook for the operators."""
    config = yaml.safe_load((ROOT / "deploy" / "alertmanager.yml").read_text())
    config["route"].update(group_wait="0s", group_interval="1s")
    operators = next(receiver for receiver in config["receivers"] if receiver["name"] == "operators")
    operators["webhook_configs"] = [{"url": webhook}]
    (folder / "alertmanager.yml").write_text(json.dumps(config))  # JSON is YAML
    return {"ALERTMANAGER_CONFIG": str(folder / "alertmanager.yml")}


def test_a_call_goes_bad_an_operator_is_told_and_it_recovers(
    tmp_path: Path,
    messages: tuple[str, list[dict[str, Any]]],
    portrait_jpeg: bytes,
    collapsed_jpeg: bytes,
) -> None:
    """A collapsing picture's alert is pending, then told with its call, stream and runbook, then resolved.

    Time is compressed: the rules' waits are cut short and a second of capture time passes with every frame.
    Afterwards Prometheus and Alertmanager are killed, and the server goes on as if nothing had been.
    """
    webhook, told = messages
    environment = compressed_configuration(tmp_path) | told_at_once(tmp_path, webhook)
    with (
        running_stack(**environment) as stack,
        Client(stack.server) as client,
        client.monitor(stream_id="camera-1", call_id="standup") as stream,
    ):
        clock_s = itertools.count()
        latest: list[float] = []

        def send(picture: bytes) -> float | None:
            stream.send(picture, capture_time_s=next(clock_s))
            # Where the machine stood still for so long, the server told unasked that the stream was stale.
            about_it = next(each for each in stream if each.result is not FrameResult.UNSPECIFIED)
            latest.append(about_it.quality or -1.0)
            return latest[-1]

        def while_sending(picture: bytes, condition: Callable[[], bool], what: str) -> None:
            until(lambda: send(picture) is not None and condition(), what)

        def message(status: str) -> dict[str, Any] | None:
            ours = (sent for sent in told if sent["alerts"][0]["labels"]["alertname"] == "StreamQualityLow")
            return next((sent for sent in ours if sent["status"] == status), None)

        selector = 'stream:facegauge_stream_quality_ratio:last1m{stream_id="camera-1"}'
        while_sending(portrait_jpeg, lambda: bool(stack.query(selector)), "Prometheus sees the stream")
        sharp = float(stack.query(selector)[0]["value"][1])
        assert not stack.query(FIRED)

        while_sending(collapsed_jpeg, lambda: bool(stack.query(f"{FIRED} == 1")), "the alert is pending")
        while_sending(collapsed_jpeg, lambda: message("firing") is not None, "the operator is told")
        collapsed = float(stack.query(selector)[0]["value"][1])
        assert collapsed < 0.4 < 0.5 < sharp
        pending_then_firing = stack.query(f"count by (alertstate) (count_over_time({FIRED}[1m]))")
        assert {found["metric"]["alertstate"] for found in pending_then_firing} == {"pending", "firing"}

        firing = message("firing")
        assert firing is not None
        assert firing["receiver"] == "operators"
        assert firing["groupLabels"] == {"job": "facegauge", "call_id": "standup"}
        (alert,) = firing["alerts"]
        instance = stack.metrics.removeprefix("http://").removesuffix("/metrics")
        assert alert["labels"] == {
            "alertname": "StreamQualityLow",
            "severity": "warning",
            "scope": "stream",
            "job": "facegauge",
            "instance": instance,
            "call_id": "standup",
            "stream_id": "camera-1",
        }
        assert alert["annotations"]["summary"] == "Call standup, stream camera-1 looks bad"
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert anchor == "streamqualitylow"
        with urllib.request.urlopen(page) as runbook:  # noqa: S310 - our own Prometheus
            assert "## StreamQualityLow" in runbook.read().decode()

        while_sending(portrait_jpeg, lambda: message("resolved") is not None, "its end is told")
        resolved = message("resolved")
        assert resolved is not None
        assert [ended["labels"] for ended in resolved["alerts"]] == [alert["labels"]]
        assert not stack.query(FIRED)

        os.kill(stack.pids["prometheus"], signal.SIGKILL)
        os.kill(stack.pids["alertmanager"], signal.SIGKILL)
        for _ in range(20):
            assert send(portrait_jpeg) == pytest.approx(sharp, abs=0.05)
        with urllib.request.urlopen(stack.metrics) as metrics:  # noqa: S310 - our own server
            assert 'stream_id="camera-1"' in metrics.read().decode()
