"""Measure what the series of a fleet cost Prometheus.

    uv run --group dev python -m bench.fleet_series --streams 10000 --replicas 100 --minutes 5

Simulated replicas export the series of their streams as the server's own collectors write them; streams end
and others begin. A real Prometheus scrapes each of them and evaluates the repository's rules. Told every half
minute are its memory and its work. At the end it is started again on what it has stored, with nothing to do
beside, and each query of the dashboards is put to it. Work is told as processor time, which a busy machine
changes least; one with too little for an interval of 5 s shows the same work at a longer one (--interval).
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bench.fleet_series.prometheus import ROOT, Prometheus, prometheus_process, scraping
from bench.fleet_series.replicas import SimulatedReplica, serving

__all__ = ["main"]

BOARDS = ("fleet", "replicas", "service", "call")
CALL = "call-3-1"
TOLD_EVERY_S = 30.0
STEP_S = 15
SETTLED_S = 30.0
"""Before now: what was stored last before the restart."""


@click.command(context_settings={"show_default": True})
@click.option("--streams", default=10_000, help="Live streams of all replicas together.")
@click.option("--replicas", default=100)
@click.option("--minutes", default=5.0, help="Length of the run.")
@click.option("--interval", default=5, help="Seconds between scrapes.")
@click.option("--mean-minutes", default=30.0, help="Mean length of a stream.")
@click.option("--max-exported-streams", default=200, help="As facegauge-server's, of each replica.")
@click.option("--lean", is_flag=True, help="Drop the series that the component `lean` drops.")
@click.option("--rules-interval", default=5, help="Seconds between evaluations of the rules; 0 for none.")
def main(
    streams: int,
    replicas: int,
    minutes: float,
    interval: int,
    mean_minutes: float,
    max_exported_streams: int,
    lean: bool,
    rules_interval: int,
) -> None:
    """Measure what the series of a fleet cost Prometheus."""
    fleet = [
        SimulatedReplica(number, streams // replicas, mean_minutes, max_exported_streams)
        for number in range(replicas)
    ]
    with tempfile.TemporaryDirectory() as name, serving(fleet) as port:
        config = scraping(port, replicas, interval, rules_s=rules_interval, lean=lean)
        with prometheus_process(Path(name), config) as prometheus:
            empty_mib = prometheus.process.memory_info().rss / 2**20
            click.echo(f"empty: {empty_mib:.0f} MiB")
            started_s = time.monotonic()
            before = now = prometheus.sizes(started_s)
            while now.elapsed_s < minutes * 60:
                time.sleep(min(TOLD_EVERY_S, minutes * 60))
                before, now = now, prometheus.sizes(started_s)
                samples = max(1, now.samples - before.samples)
                click.echo(
                    f"{now.elapsed_s:4.0f} s: {now.resident_mib:.0f} MiB ({now.heap_mib:.0f} of objects), "
                    f"{now.series} series, {samples} samples, {now.cpu_s - before.cpu_s:.1f} s of processor "
                    f"time, {now.iterations - before.iterations} evaluations of groups of rules"
                )
            of_streams = prometheus.value('count({__name__=~"facegauge_stream_.*", job="facegauge"})')
            bytes_each = (now.resident_mib - empty_mib) * 2**20 / max(1, now.series)
            click.echo(f"{of_streams / streams:.1f} series a stream, {bytes_each:.0f} bytes a series")
            span_s = time.monotonic() - started_s
        with prometheus_process(Path(name), {}) as prometheus:
            _tell_queries(prometheus, span_s)


def _tell_queries(prometheus: Prometheus, span_s: float) -> None:
    """Put every query of the dashboards, over the run or for its end; tell the dearest of each dashboard."""
    end_s = time.time() - SETTLED_S
    for name in BOARDS:
        board = json.loads((ROOT / "dashboards" / "grafana" / f"{name}.json").read_text())
        costs: list[tuple[float, str]] = []
        for title, expression, is_instant in _queries(board):
            before_s = prometheus.cpu_s()
            if is_instant:
                prometheus.ask("query", query=expression, time=f"{end_s:.0f}")
            else:
                span = {"start": f"{end_s - span_s:.0f}", "end": f"{end_s:.0f}", "step": f"{STEP_S}"}
                prometheus.ask("query_range", query=expression, **span)
            costs.append((prometheus.cpu_s() - before_s, title))
        costs.sort(reverse=True)
        told = ", ".join(f"{title} {cost_s:.2f} s" for cost_s, title in costs[:3])
        click.echo(
            f"{name}: {len(costs)} queries, {sum(one for one, _ in costs):.2f} s of processor time; {told}"
        )


def _queries(board: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$call_id", CALL).replace("$job", "facegauge")
            text = text.replace("$__rate_interval", "30s").replace("$__range", "5m")
            yield panel["title"], re.sub(r"\$\w+", ".*", text), bool(target.get("instant"))


if __name__ == "__main__":
    main()
