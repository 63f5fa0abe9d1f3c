"""The metrics that the gateway exports, with their labels: API, so a change needs a changelog entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.ui.ui_metrics import UiMetrics
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import MediaServer
from tests.gateway.rtp_streams import by_ffmpeg, coded

PAGE = Path(__file__).parents[3] / "docs" / "gateway.md"
SOURCE = ("call_id", "ssrc", "stream_id")
EXPORTED = {
    "answers": ("counter", ()),
    "answers_dropped": ("counter", ()),
    "frames": ("counter", ("result",)),
    "keyframes_needed": ("counter", ()),
    "ready": ("gauge", ()),
    "reconnects": ("counter", ("kind",)),
    "rtp_bad_payloads": ("counter", ("reason",)),
    "rtp_feedback": ("counter", ("kind",)),
    "rtp_kernel_dropped": ("counter", ()),
    "rtp_packets": ("counter", ("result",)),
    "rtp_refused": ("counter", ("reason",)),
    "rtp_streams": ("gauge", ()),
    "rtp_units": ("counter", ("result",)),
    "stream_failures": ("counter", ("reason",)),
    "stream_jitter_seconds": ("gauge", SOURCE),
    "stream_keyframe_requests_unanswered": ("gauge", SOURCE),
    "stream_packets": ("counter", (*SOURCE[:1], "result", *SOURCE[1:])),
    "streams": ("gauge", ()),
    "subscribers": ("gauge", ()),
}


def test_these_metrics_and_no_others(
    server: ServerProcess, start_gateway: StartGateway, forwarder: Callable[[str], MediaServer]
) -> None:
    """Beside the process's own; labels are those of the samples that there are."""
    packets = by_ffmpeg(Codec.VP8, coded(Codec.VP8, count=3))
    payload = f"{packets[0].payload_type}=vp8"
    gateway = start_gateway(server.listen, "rtp", "--listen", "127.0.0.1:0", "--payload", payload)
    sender = forwarder(gateway.ready["rtp"][0])
    sender.forward(packets)
    sender.send(b"?")
    gateway.answer(event="assessment")
    gateway.wait_for(lambda: gateway.metric("rtp_refused_total", reason="short") == 1, "the refusal")
    families = {
        family.name.removeprefix("facegauge_gateway_"): family
        for family in text_string_to_metric_families(gateway.get("/metrics")[1])
        if family.name.startswith("facegauge_gateway_") and not family.name.endswith("_created")
    }
    assert {name: family.type for name, family in families.items()} == {
        name: kind for name, (kind, _) in EXPORTED.items()
    }
    for name, family in families.items():
        for sample in family.samples:
            assert tuple(sorted(sample.labels)) == tuple(sorted(EXPORTED[name][1])), name


def test_the_page_tells_of_each() -> None:
    """docs/gateway.md names what there is, and nothing else."""
    registry = CollectorRegistry()
    WhipMetrics(registry)
    UiMetrics(registry)
    others = {family.name.removeprefix("facegauge_gateway_") for family in registry.collect()}
    named = set(re.findall(r"facegauge_gateway_([a-z_]+)", PAGE.read_text()))
    assert {name.removesuffix("_total") for name in named} == set(EXPORTED) | others
