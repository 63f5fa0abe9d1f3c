"""Service: shows whether the monitor itself is healthy."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import heatmap, table
from grafana_foundation_sdk.builders.heatmap import HeatmapColorOptions, YAxisConfig
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.generator.parts import (
    INSTANCE,
    JOB,
    NEUTRAL,
    STAGE,
    board,
    buckets,
    choices,
    instant,
    lines,
    of_stage,
    panel,
    query,
    rate,
    steps,
)
from dashboards.generator.service_load import load_row
from dashboards.generator.service_webhook import webhook_row
from dashboards.generator.service_workers import workers_row


def service() -> build.Dashboard:
    """Build the dashboard."""
    instances = 'label_values(facegauge_streams_active{job=~"$job"}, instance)'
    empty = board(
        "service",
        "Service",
        "Latency, load, workers, errors, events and model of the servers.",
        'scope=~"server|fleet"',
    )
    first = _latency(empty.with_variable(choices("instance", "Server", instances)))
    return _model(webhook_row(load_row(workers_row(first))))


def _latency(board: build.Dashboard) -> build.Dashboard:
    total = f'{INSTANCE}, stage="total"'
    return (
        board.with_row(build.Row("Latency"))
        .with_panel(
            panel(
                heatmap.Panel(),
                "Time from receipt to assessment",
                "Time that each frame spends in the server, without the time that a limit held it. The "
                "objective is 99% within 512 ms.",
                buckets(f"sum by (le) (increase({STAGE}_bucket{{{total}}}[$__rate_interval]))"),
                unit="short",
                thresholds=steps(NEUTRAL),
            )
            .color(HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64))
            .y_axis(YAxisConfig().unit("s"))
        )
        .with_panel(
            panel(
                lines(),
                "Latency by stage, 95th percentile",
                "worker_wait, decode, locate, crop, engine_wait and score; total includes them all and the "
                "wait for an earlier frame of the same stream.",
                query(f"instance_stage:{STAGE}:p95_rate1m{{{INSTANCE}}}", "{{stage}} {{instance}}"),
                unit="s",
                thresholds=steps((None, "green"), (0.512, "red")),
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Late frames",
                "Share of frames assessed later than 512 ms. The objective allows 1% over a month (line); "
                "LatencyBudgetBurn is critical at 14.4% over an hour.",
                *(query(f"job:facegauge_frames_late:ratio_rate{w}{{{JOB}}}", w) for w in ("5m", "1h", "6h")),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.01, "orange"), (0.144, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Wait for the engine",
                "Time that faces wait for the engine: on a GPU for their batch to start, on a CPU (no "
                "batches) next to nothing. QueueSaturated fires over 128 ms at the 95th percentile.",
                query(
                    f'instance_stage:{STAGE}:p95_rate1m{{{INSTANCE}, stage="engine_wait"}}',
                    "p95 {{instance}}",
                ),
                query(
                    f"{rate(f'{STAGE}_sum', 'instance', of_stage('engine_wait'))}"
                    f" / {rate(f'{STAGE}_count', 'instance', of_stage('engine_wait'))}",
                    "mean {{instance}}",
                ),
                unit="s",
                thresholds=steps((None, "green"), (0.128, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Batch size",
                "Mean number of crops in one call of the engine. At --max-batch the engine is saturated.",
                query(
                    f"{rate('facegauge_batch_size_sum', 'instance')}"
                    f" / {rate('facegauge_batch_size_count', 'instance')}",
                    "{{instance}}",
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
    )


def _model(board: build.Dashboard) -> build.Dashboard:
    return board.with_row(build.Row("Model")).with_panel(
        panel(
            table.Panel(),
            "Models in use",
            "All servers must use the same one, or scores cannot be compared: ModelMismatch.",
            instant(f"facegauge_model_info{{{INSTANCE}}}"),
            unit="none",
            thresholds=steps(NEUTRAL),
            width=24,
            height=6,
        ).with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True, "__name__": True, "job": True, "Value": True},
                    "indexByName": {"instance": 0, "model": 1, "engine": 2, "precision": 3, "sha256": 4},
                },
            )
        )
    )
