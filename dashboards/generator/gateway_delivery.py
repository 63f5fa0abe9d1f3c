"""Rows of the dashboard Gateway: what is not taken, what reaches the server, and what that costs."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.parts import INSTANCE, NEUTRAL, lines, number, panel, query, rate, stacked, steps

NAMESPACE = "facegauge_gateway"


def refused_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what is not taken, and what was not read in time."""
    return (
        board.with_row(build.Row("Refused and dropped"))
        .with_panel(
            panel(
                lines(),
                "Packets refused",
                "Packets per second that were not taken, by reason; the log says whose, and what to do. "
                "PacketsRefused fires over one a second for a minute.",
                query(rate(f"{NAMESPACE}_rtp_refused_total", "instance, reason"), "{{reason}} {{instance}}"),
                unit="pps",
                thresholds=steps((None, "green"), (1, "orange")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Bad payloads",
                "Pictures per second whose payloads are not of the codec that their payload type names.",
                query(
                    rate(f"{NAMESPACE}_rtp_bad_payloads_total", "instance, reason"), "{{reason}} {{instance}}"
                ),
                unit="ops",
                thresholds=steps((None, "green"), (1, "orange")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Datagrams dropped by the kernel",
                "Per second, since a socket's buffer was full: the gateway read too slowly. "
                "DatagramsDropped fires at the first.",
                query(rate(f"{NAMESPACE}_rtp_kernel_dropped_total", "instance"), "{{instance}}"),
                unit="pps",
                thresholds=steps((None, "green"), (1, "red")),
                width=8,
            ).min(0)
        )
    )


def server_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what the server takes, and its answers."""
    return (
        board.with_row(build.Row("To the server and back"))
        .with_panel(
            panel(
                stacked(),
                "Frames for the server",
                "Pictures per second that were sent, or dropped as the server or the network was too slow "
                "or away.",
                query(rate(f"{NAMESPACE}_frames_total", "result"), "{{result}}"),
                unit="ops",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Reconnects and failures",
                "Per minute: connections of streams after their first, resumed or restarted; streams that "
                "the server refused or that failed, by reason. StreamsReconnecting and StreamsNotTaken "
                "watch them.",
                query(f"60 * {rate(f'{NAMESPACE}_reconnects_total', 'kind')}", "{{kind}}"),
                query(f"60 * {rate(f'{NAMESPACE}_stream_failures_total', 'reason')}", "{{reason}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Answers",
                "Per second: assessments and summaries that the server sent, and those that a reader was "
                "too slow for; how many readers there are.",
                query(rate(f"{NAMESPACE}_answers_total", "job"), "answers"),
                query(rate(f"{NAMESPACE}_answers_dropped_total", "job"), "dropped"),
                query(f"sum({NAMESPACE}_subscribers{{{INSTANCE}}})", "readers"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
    )


def process_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what each gateway's process takes."""
    return (
        board.with_row(build.Row("Process"))
        .with_panel(
            panel(
                lines(),
                "CPU",
                "Cores in use. A gateway has one thread for all packets: near 1 it reads too slowly.",
                query(f"rate(process_cpu_seconds_total{{{INSTANCE}}}[$__rate_interval])", "{{instance}}"),
                unit="short",
                thresholds=steps((None, "green"), (0.8, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Memory",
                "Resident memory of each gateway. It must stay flat over hours.",
                query(f"process_resident_memory_bytes{{{INSTANCE}}}", "{{instance}}"),
                unit="bytes",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Uptime",
                "Time since each gateway's process started.",
                query(f"time() - process_start_time_seconds{{{INSTANCE}}}", "{{instance}}"),
                unit="s",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
    )
