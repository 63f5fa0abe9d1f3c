"""Row "Load" of the dashboard Service."""

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
    """Add the row: how much the servers have to do, and whether it is too much."""
    return (
        board.with_row(build.Row("Load"))
        .with_panel(
            panel(
                lines(),
                "CPU",
                "Cores in use: by each server's own process, and by its worker processes together.",
                query(
                    f"rate(facegauge_worker_cpu_seconds_total{{{INSTANCE}}}[$__rate_interval])",
                    "workers {{instance}}",
                ),
                query(
                    f"rate(process_cpu_seconds_total{{{INSTANCE}}}[$__rate_interval])", "server {{instance}}"
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Memory",
                "Resident memory of each server's own process, and of its workers together (pages that they "
                "share count for each). It must stay flat over hours.",
                query(f"facegauge_worker_resident_memory_bytes{{{INSTANCE}}}", "workers {{instance}}"),
                query(f"process_resident_memory_bytes{{{INSTANCE}}}", "server {{instance}}"),
                unit="bytes",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Streams by server",
                "Live streams of each server. Unexported ones have no series and so no alerts.",
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
                "Frames being decoded, located, cropped or scored. At twice --workers a server is full, and "
                "other frames wait for a worker.",
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
                "Time that streams wait for a worker. While the mean is over 250 ms (--max-worker-wait), a "
                "server refuses new live streams.",
                query(f"instance_stage:{STAGE}:p95_rate1m{{{of_stage('worker_wait')}}}", "p95 {{instance}}"),
                query(
                    f"instance:facegauge_worker_wait_seconds:mean_rate1m{{{INSTANCE}}}", "mean {{instance}}"
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
                "How late the event loop's timers fire; every stream waits as long. EventLoopLag fires after "
                "two minutes with a mean over 100 ms.",
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
                "By server. SheddingLoad fires over 10% where frames are also late.",
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
                "File descriptors of each server's own process, one for each connection; a number that only "
                "grows is a leak.",
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
                "Servers that are shutting down: they finish their streams and take no new ones.",
                query(f"facegauge_draining{{{INSTANCE}}}", "{{instance}}"),
                unit="bool_yes_no",
                thresholds=steps((None, "green"), (1, "orange")),
                width=4,
            )
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Uptime",
                "Time since each server's process started.",
                query(f"time() - process_start_time_seconds{{{INSTANCE}}}", "{{instance}}"),
                unit="s",
                thresholds=steps(NEUTRAL),
                width=4,
            )
        )
    )
