"""Row "Workers and errors" of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.parts import INSTANCE, lines, number, panel, query, steps


def _increase(metric: str, by: str) -> str:
    """Return the expression of a counter's increase over a step of the panel."""
    return f"sum by (instance, {by}) (increase({metric}{{{INSTANCE}}}[$__rate_interval]))"


def workers_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: whether the servers can work, and what has gone wrong inside them."""
    return (
        board.with_row(build.Row("Workers and errors"))
        .with_panel(
            panel(
                number(sparkline=False),
                "Ready",
                "Whether /readyz answers 200: the server takes streams and has scored a picture within the "
                "last seconds. ServerNotReady fires after 30 s without.",
                query(f"facegauge_ready{{{INSTANCE}}}", "{{instance}}"),
                unit="bool_yes_no",
                thresholds=steps((None, "red"), (1, "green")),
                width=4,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Workers that take frames",
                "Worker processes of each server; --workers is how many there should be. NoWorkerServing "
                "fires after 15 s at zero.",
                query(f"facegauge_workers_serving{{{INSTANCE}}}", "{{instance}}"),
                unit="short",
                thresholds=steps((None, "red"), (1, "green")),
                width=6,
            )
            .min(0)
            .decimals(0)
        )
        .with_panel(
            panel(
                lines(),
                "Worker restarts",
                "Worker processes replaced: after a crash, after a frame that exceeded --frame-timeout, or "
                "because they did not start. WorkersRestarting fires at three within five minutes.",
                query(_increase("facegauge_worker_restarts_total", "reason"), "{{reason}} {{instance}}"),
                unit="short",
                thresholds=steps((None, "green"), (3, "orange")),
                width=7,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Internal errors",
                "Defects of the server: in the pipeline, in a call, or in a background task. InternalErrors "
                "fires at the first; the log has each one's traceback.",
                query(_increase("facegauge_errors_total", "stage"), "{{stage}} {{instance}}"),
                unit="short",
                thresholds=steps((None, "green"), (1, "red")),
                width=7,
            ).min(0)
        )
    )
