"""The row Load of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.parts import (
    INSTANCE,
    NEUTRAL,
    STAGE,
    lines,
    number,
    of_stage,
    panel,
    query,
    rate,
    steps,
)

LAG = "facegauge_event_loop_lag_seconds"


def load_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what the servers have to do, and whether it is too much."""
    return (
        board.with_row(build.Row("Load"))
        .with_panel(
            panel(
                lines(),
                "CPU",
                "Cores in use by each server's process.",
                query(f"rate(process_cpu_seconds_total{{{INSTANCE}}}[$__rate_interval])", "{{instance}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Memory",
                "Resident memory of each server's process. It must stay flat over hours.",
                query(f"process_resident_memory_bytes{{{INSTANCE}}}", "{{instance}}"),
                unit="bytes",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Streams by server",
                "Live streams of each server. Unexported ones have no series, so no alerts.",
                query(f"facegauge_streams_active{{{INSTANCE}}}", "{{instance}}"),
                query(f"facegauge_streams_unexported{{{INSTANCE}}}", "unexported {{instance}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Frames in flight",
                "Frames taken from their streams and not yet scored, as each scrape found them. At twice "
                "--workers a server is full and others wait for a worker.",
                query(f"facegauge_frames_in_flight{{{INSTANCE}}}", "{{instance}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Wait for a worker",
                "How long streams wait for their turn. Over 250 ms on average (--max-worker-wait) a server "
                "takes no new live stream.",
                query(f"instance_stage:{STAGE}:p95_rate1m{{{of_stage('worker_wait')}}}", "p95 {{instance}}"),
                query(
                    f"{rate(f'{STAGE}_sum', 'instance', of_stage('worker_wait'))}"
                    f" / {rate(f'{STAGE}_count', 'instance', of_stage('worker_wait'))}",
                    "mean {{instance}}",
                ),
                unit="s",
                thresholds=steps((None, "green"), (0.25, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Event loop lag",
                "How late the server wakes who asked for a time; every stream waits as long. A mean over "
                "100 ms for two minutes is EventLoopLag.",
                query(
                    f"histogram_quantile(0.99, {rate(f'{LAG}_bucket', 'instance, le')})", "p99 {{instance}}"
                ),
                query(
                    f"{rate(f'{LAG}_sum', 'instance')} / {rate(f'{LAG}_count', 'instance')}",
                    "mean {{instance}}",
                ),
                unit="s",
                thresholds=steps((None, "green"), (0.1, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Share of frames dropped",
                "By server. Over 10% together with late frames is SheddingLoad.",
                query(f"instance:facegauge_frames_dropped:ratio_rate1m{{{INSTANCE}}}", "{{instance}}"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.1, "red")),
                width=8,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                lines(),
                "Open files and sockets",
                "Of each server's process. One a connection; a number that only grows is a leak.",
                query(f"process_open_fds{{{INSTANCE}}}", "{{instance}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Draining",
                "Servers that finish their streams before they stop. They take no new ones.",
                query(f"facegauge_draining{{{INSTANCE}}}", "{{instance}}"),
                unit="bool_yes_no",
                thresholds=steps((None, "green"), (1, "orange")),
                width=4,
            )
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Up for",
                "Time since each server's process started.",
                query(f"time() - process_start_time_seconds{{{INSTANCE}}}", "{{instance}}"),
                unit="s",
                thresholds=steps(NEUTRAL),
                width=4,
            )
        )
    )
