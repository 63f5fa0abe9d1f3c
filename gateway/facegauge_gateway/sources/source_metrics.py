"""What is exported to Prometheus of sources of RTP, whichever door they come by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facegauge_gateway.rtp.statistics import Statistics
from facegauge_gateway.running_totals import RunningTotals

__all__ = ["Source", "SourceTotals", "export_sources"]


class Source(NamedTuple):
    """A source that is there."""

    stream_id: str
    call_id: str
    ssrc: int
    statistics: Statistics


class SourceTotals:
    """Sums over all sources, those that have ended included."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def totals(name: str, documentation: str, label: str, values: tuple[str, ...]) -> RunningTotals:
            return RunningTotals(f"facegauge_gateway_rtp_{name}", documentation, label, values, registry)

        self._packets = totals(
            "packets",
            "Packets of RTP: `received` are all; `lost` were given up, of which `late` came after all; "
            "`duplicate`, `misplaced` (replayed, ancient) and `other_payload` are of no use; `retransmitted` "
            "came again",
            "result",
            ("received", "lost", "late", "duplicate", "misplaced", "other_payload", "retransmitted"),
        )
        self._units = totals(
            "units",
            "Coded pictures: `whole` were forwarded; `broken` miss packets, `left_out` miss another picture "
            "that they depend on",
            "result",
            ("whole", "broken", "left_out"),
        )
        self._feedback = totals(
            "feedback",
            "RTCP sent: `keyframe_request` (PLI), `retransmission_request` (NACK), `report` (receiver's)",
            "kind",
            ("keyframe_request", "retransmission_request", "report"),
        )
        self._bad_payloads = totals(
            "bad_payloads",
            "Payloads that are not what the RTP format of their codec wants, by reason",
            "reason",
            (),
        )

    def track(self, statistics: Statistics) -> Callable[[], None]:
        """Count a source in; call the returned function when it is gone."""
        gone = (
            self._packets.track(lambda: _packets(statistics)),
            self._units.track(lambda: _units(statistics)),
            self._feedback.track(lambda: _feedback(statistics)),
            self._bad_payloads.track(lambda: statistics.bad),
        )

        def end() -> None:
            for one in gone:
                one()

        return end


def export_sources(registry: CollectorRegistry, sources: Callable[[], Iterable[Source]]) -> None:
    """Export series of the sources that are there, which end with them."""
    registry.register(_Sources(sources))


class _Sources(Collector):
    LABELS = ("stream_id", "call_id", "ssrc")

    def __init__(self, sources: Callable[[], Iterable[Source]]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        sources = list(self._sources())
        count = GaugeMetricFamily("facegauge_gateway_rtp_streams", "Sources of RTP that are there")
        count.add_metric([], len(sources))
        yield count
        jitter = GaugeMetricFamily(
            "facegauge_gateway_stream_jitter_seconds",
            "Interarrival jitter of a source (RFC 3550, 6.4.1)",
            labels=self.LABELS,
        )
        packets = CounterMetricFamily(
            "facegauge_gateway_stream_packets",
            "Packets of a source, `received` and `lost`",
            labels=(*self.LABELS, "result"),
        )
        unanswered = GaugeMetricFamily(
            "facegauge_gateway_stream_keyframe_requests_unanswered",
            "Requests to a source for a keyframe since its last one",
            labels=self.LABELS,
        )
        for source in sources:
            labels = [source.stream_id, source.call_id, str(source.ssrc)]
            statistics = source.statistics
            jitter.add_metric(labels, statistics.jitter_s)
            packets.add_metric([*labels, "received"], statistics.packets)
            packets.add_metric([*labels, "lost"], statistics.lost)
            unanswered.add_metric(labels, statistics.plis_unanswered)
        yield jitter
        yield packets
        yield unanswered


def _packets(statistics: Statistics) -> dict[str, float]:
    return {
        "received": statistics.packets,
        "lost": statistics.lost,
        "late": statistics.late,
        "duplicate": statistics.duplicates,
        "misplaced": statistics.misplaced,
        "other_payload": statistics.other_payloads,
        "retransmitted": statistics.retransmitted,
    }


def _units(statistics: Statistics) -> dict[str, float]:
    return {
        "whole": statistics.units,
        "broken": statistics.units_broken,
        "left_out": statistics.units_left_out,
    }


def _feedback(statistics: Statistics) -> dict[str, float]:
    return {
        "keyframe_request": statistics.plis,
        "retransmission_request": statistics.nacks,
        "report": statistics.reports,
    }
