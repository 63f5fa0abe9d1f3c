"""From a bad picture to the operator's message and back, with the real programs, in compressed time."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import yaml

from facegauge_client.sdk.types import FrameResult
from facegauge_client.sync import Client, MonitorStream
from tests.local_stack import ROOT, compressed_configuration, running_stack, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRED = 'ALERTS{alertname="StreamQualityLow", stream_id="camera-1"}'
WRONG = {
    "camera-1": ("StreamQualityLow", "compression"),
    "camera-2": ("StreamFrozen", "freeze"),
    "camera-3": ("StreamBlack", "black"),
}
"""What goes wrong with each stream: the alert, and the cause whose section it links to."""

Told = list[dict[str, Any]]


@pytest.fixture
def messages() -> Iterator[tuple[str, Told]]:
    """The operator's webhook: where it listens and what Alertmanager told it."""
    told: Told = []

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


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a camera shows, by turns, as JPEG."""

    sharp: tuple[bytes, ...]
    """A face that moves."""
    compressed: tuple[bytes, ...]
    """The same of which a codec has left blocks."""
    frozen: tuple[bytes, ...]
    black: tuple[bytes, ...]


@pytest.fixture(scope="module")
def pictures(astronaut: npt.NDArray[np.uint8]) -> Pictures:
    """The portrait, in two places by turns: what stands still is a freeze."""
    large = cv2.resize(astronaut, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)[:, :, ::-1]
    places = [np.asarray(np.roll(large, shift, axis=1), np.uint8) for shift in (0, 40)]

    def jpeg(picture: npt.NDArray[np.uint8], quality: int = 95) -> bytes:
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()

    sharp = tuple(jpeg(place) for place in places)
    black = np.full_like(places[0], 8)
    return Pictures(sharp, tuple(jpeg(place, 6) for place in places), sharp[:1], (jpeg(black),))


class Camera:
    """A stream that shows pictures by turns, a second of capture time each."""

    def __init__(self, stream: MonitorStream, pictures: tuple[bytes, ...]) -> None:
        self.pictures = pictures
        self.quality: float | None = None
        self._stream = stream
        self._number = itertools.count()

    def show(self) -> None:
        """Send the next picture and wait for what the server says of it."""
        number = next(self._number)
        self._stream.send(self.pictures[number % len(self.pictures)], capture_time_s=number)
        # Where the machine stood still for so long, the server told unasked that the stream was stale.
        about_it = next(each for each in self._stream if each.result is not FrameResult.UNSPECIFIED)
        self.quality = about_it.quality


def told_of(told: Told, status: str) -> dict[str, dict[str, Any]]:
    """The alerts that the operator was told of with a status, by stream; of those that were expected."""
    return {
        alert["labels"]["stream_id"]: alert
        for message in list(told)
        for alert in message["alerts"]
        if alert["status"] == status and alert["labels"]["alertname"] in dict(WRONG.values())
    }


def test_three_streams_go_bad_an_operator_is_told_why_of_each_and_they_recover(
    tmp_path: Path, messages: tuple[str, Told], pictures: Pictures
) -> None:
    """Compressed, frozen and black pictures are told apart, each with its cause's section of the runbook.

    A picture in blocks is low, pending, then told with what that costs, then resolved. One that stands
    still and one that is black lower no quality, and are told all the same. Time is compressed: the rules'
    waits are cut short and a second of capture time passes with every frame. Afterwards Prometheus and
    Alertmanager are killed, and the server goes on as if nothing had been.
    """
    webhook, told = messages
    environment = compressed_configuration(tmp_path) | told_at_once(tmp_path, webhook)
    with (
        running_stack("--model", "facegauge-accurate", "--precision", "f32", **environment) as stack,
        Client(stack.server) as client,
        ExitStack() as streams,
    ):
        cameras = {
            name: Camera(
                streams.enter_context(client.monitor(stream_id=name, call_id="standup")), pictures.sharp
            )
            for name in WRONG
        }

        def show() -> bool:
            for camera in cameras.values():
                camera.show()
            return True

        def while_showing(condition: Callable[[], bool], what: str) -> None:
            until(lambda: show() and condition(), what)

        selector = 'stream:facegauge_stream_quality_ratio:last1m{stream_id="camera-1"}'
        everyone = selector.partition("{")[0]
        while_showing(lambda: len(stack.query(everyone)) == len(WRONG), "Prometheus sees the streams")
        sharp = float(stack.query(selector)[0]["value"][1])
        assert not stack.query('ALERTS{alertname=~"StreamQualityLow|StreamFrozen|StreamBlack"}')

        cameras["camera-1"].pictures = pictures.compressed
        cameras["camera-2"].pictures = pictures.frozen
        cameras["camera-3"].pictures = pictures.black
        while_showing(lambda: bool(stack.query(f"{FIRED} == 1")), "the alert is pending")
        while_showing(lambda: told_of(told, "firing").keys() == WRONG.keys(), "the operator is told of all")
        low = float(stack.query(selector)[0]["value"][1])
        assert low < 0.4 < 0.5 < sharp
        pending_then_firing = stack.query(f"count by (alertstate) (count_over_time({FIRED}[1m]))")
        assert {found["metric"]["alertstate"] for found in pending_then_firing} == {"pending", "firing"}

        firing = told_of(told, "firing")
        named = {name: alert["labels"]["alertname"] for name, alert in firing.items()}
        assert named == {name: expected for name, (expected, _) in WRONG.items()}
        links = {name: alert["annotations"]["runbook_url"].partition("#") for name, alert in firing.items()}
        assert {name: link[2] for name, link in links.items()} == {
            name: cause for name, (_, cause) in WRONG.items()
        }
        summaries = {name: alert["annotations"]["summary"] for name, alert in firing.items()}
        assert re.fullmatch(
            r"Call standup, stream camera-1 looks bad: compression costs 0\.\d\d", summaries["camera-1"]
        )
        assert summaries["camera-2"] == "Call standup, stream camera-2 is frozen"
        assert summaries["camera-3"] == "Call standup, stream camera-3 is black"
        for message in told:
            assert message["receiver"] == "operators"
            assert message["groupLabels"] == {"job": "facegauge", "call_id": "standup"}
        assert firing["camera-1"]["labels"] == {
            "alertname": "StreamQualityLow",
            "severity": "warning",
            "scope": "stream",
            "job": "facegauge",
            "call_id": "standup",
            "stream_id": "camera-1",
        }
        page = links["camera-1"][0]
        with urllib.request.urlopen(page) as runbook:  # noqa: S310 - our own Prometheus
            text = runbook.read().decode()
        for _, cause in WRONG.values():
            (picture,) = re.findall(rf"^### {cause}\n\n!\[.*\]\((.*)\)$", text, re.MULTILINE)
            with urllib.request.urlopen(urllib.parse.urljoin(page, picture)) as shown:  # noqa: S310
                assert shown.read() == (ROOT / "dashboards" / picture).read_bytes()

        for camera in cameras.values():
            camera.pictures = pictures.sharp
        while_showing(lambda: told_of(told, "resolved").keys() == WRONG.keys(), "the end of all is told")
        ended = {name: alert["labels"] for name, alert in told_of(told, "resolved").items()}
        assert ended == {name: alert["labels"] for name, alert in firing.items()}
        assert not stack.query(FIRED)

        os.kill(stack.pids["prometheus"], signal.SIGKILL)
        os.kill(stack.pids["alertmanager"], signal.SIGKILL)
        for _ in range(20):
            show()
            assert cameras["camera-1"].quality == pytest.approx(sharp, abs=0.05)
        with urllib.request.urlopen(stack.metrics) as metrics:  # noqa: S310 - our own server
            assert 'stream_id="camera-1"' in metrics.read().decode()
