"""Replicas: shows whether one replica or zone is the cause, how full the fleet is, where streams are."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.parts import (
    JOB,
    NEUTRAL,
    board,
    choices,
    lines,
    number,
    panel,
    query,
    stacked,
    steps,
)

HERE = f'{JOB}, zone=~"$zone"'
"""`.*` also matches series without a zone, those of servers whose scrape sets none."""
STREAM = "job, tenant, stream_id, call_id"
QUALITY = f"stream:facegauge_stream_quality_ratio:last1m{{{JOB}}}"
WHERE = f"stream:facegauge_stream_last_frame_timestamp_seconds:newest{{{HERE}}}"
LOCATED = f"({QUALITY} * on ({STREAM}) group_left (instance, zone) {WHERE} ^ 0)"
"""Quality of each stream, with the replica and the zone that have its newest frame."""
WAIT = "instance:facegauge_worker_wait_seconds:mean_rate1m"
CORES = f"rate(facegauge_worker_cpu_seconds_total{{{HERE}}}[$__rate_interval])"


def replicas() -> build.Dashboard:
    """Build the dashboard."""
    zones = 'label_values(facegauge_streams_active{job=~"$job"}, zone)'
    return _replicas(
        _zones(
            _now(
                board(
                    "replicas",
                    "Replicas",
                    "The fleet by replica and zone: streams, quality, room.",
                    'scope=~"server|fleet"',
                ).with_variable(choices("zone", "Zone", zones))
            )
        )
    )


def _now(board: build.Dashboard) -> build.Dashboard:
    return (
        board.with_row(build.Row("Now"))
        .with_panel(
            panel(
                number(),
                "Replicas ready",
                "Servers that take streams and have scored a picture within the last seconds.",
                query(f"sum(facegauge_ready{{{HERE}}})", "ready"),
                unit="short",
                thresholds=steps((None, "red"), (1, "green")),
                width=6,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Draining",
                "Servers that are shutting down: their streams go to others.",
                query(f"sum(facegauge_draining{{{HERE}}})", "draining"),
                unit="short",
                thresholds=steps((None, "green"), (1, "orange")),
                width=6,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Streams on two replicas",
                "Streams that two replicas export, as they move: each counts once, where its newest frame "
                "is.",
                query(
                    f"sum(facegauge_streams_active{{{JOB}}}) - sum(job:facegauge_streams:count{{{JOB}}})",
                    "streams",
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=6,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Wait for a worker",
                "Mean over the replicas, by which autoscalers add some: 50 ms is the aim, over 250 ms a "
                "server refuses new live streams.",
                query(f"avg({WAIT}{{{JOB}}})", "wait"),
                unit="s",
                thresholds=steps((None, "green"), (0.05, "orange"), (0.25, "red")),
                width=6,
                height=5,
            )
        )
    )


def _zones(board: build.Dashboard) -> build.Dashboard:
    return (
        board.with_row(build.Row("By zone"))
        .with_panel(
            panel(
                stacked(),
                "Streams by zone",
                "Live streams that have series, each where its newest frame is.",
                query(f"job_zone:facegauge_streams:count{{{HERE}}}", "{{zone}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Share of streams under 0.4, by zone",
                "One zone above the others is a network or a site, not single calls.",
                query(f"job_zone:facegauge_streams_low:ratio{{{HERE}}}", "{{zone}}"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.3, "red")),
                width=8,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                lines(),
                "Cores in use, by zone",
                "Of all workers and servers together.",
                query(
                    f"sum by (zone) ({CORES} + rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]))",
                    "{{zone}}",
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
    )


def _replicas(board: build.Dashboard) -> build.Dashboard:
    return (
        board.with_row(build.Row("By replica"))
        .with_panel(
            panel(
                lines(),
                "Streams by replica",
                "Live streams of each replica. Shares of the ring differ by some percent, and a new replica "
                "fills as streams begin.",
                query(f"facegauge_streams_active{{{HERE}}}", "{{instance}} {{zone}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                height=9,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Wait for a worker, by replica",
                "Mean over a minute. One far above the others has the heavier streams, or a slower machine.",
                query(f"{WAIT}{{{JOB}}}", "{{instance}}"),
                unit="s",
                thresholds=steps((None, "green"), (0.05, "orange"), (0.25, "red")),
                height=9,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Mean quality by replica",
                "Of the streams that are on each. One far below the others scores differently: compare "
                "its model.",
                query(f"avg by (instance, zone) {LOCATED}", "{{instance}} {{zone}}"),
                unit="none",
                thresholds=steps(NEUTRAL),
                height=9,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                lines(),
                "Cores of workers, by replica",
                "Against --workers, as many as the cores that a replica has.",
                query(CORES, "{{instance}} {{zone}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                height=9,
            ).min(0)
        )
    )
