"""Row "Sources" of the dashboard Gateway."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.models import dashboard as model

from dashboards.generator.parts import INSTANCE, NEUTRAL, instant, lines, panel, query, steps

SOURCE = f'{INSTANCE}, call_id=~"$call_id", stream_id=~"$stream_id"'
NAME = "{{call_id}} {{stream_id}} {{ssrc}}"
LOSS = f"stream:facegauge_gateway_packets_lost:ratio_rate1m{{{SOURCE}}}"
LOSS_STEPS = ((None, "green"), (0.01, "orange"), (0.05, "red"))


def sources_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: which source loses packets, jitters, or sends no keyframe."""
    return (
        board.with_row(build.Row("Sources"))
        .with_panel(
            panel(
                lines(),
                "Packets lost by source",
                "Share of each source's packets that never came, or too late. PacketLossHigh fires over "
                "5% for three minutes.",
                query(LOSS, NAME),
                unit="percentunit",
                thresholds=steps(*LOSS_STEPS),
                width=8,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                lines(),
                "Jitter by source",
                "How unevenly each source's packets arrive (RFC 3550). Over --reorder, 100 ms by default, "
                "late packets count as lost.",
                query(f"facegauge_gateway_stream_jitter_seconds{{{SOURCE}}}", NAME),
                unit="s",
                thresholds=steps((None, "green"), (0.1, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Requests for a keyframe without effect",
                "Requests since each source's last keyframe. KeyframesNotSent fires at four: nothing of "
                "the source can be decoded meanwhile.",
                query(f"facegauge_gateway_stream_keyframe_requests_unanswered{{{SOURCE}}}", NAME),
                unit="short",
                thresholds=steps((None, "green"), (4, "red")),
                width=8,
            )
            .min(0)
            .decimals(0)
        )
        .with_panel(
            panel(
                lines(),
                "Packets received by source",
                "Packets per second of each source. One that falls to nothing is silent: its stream ends "
                "after --idle-timeout.",
                query(
                    f'rate(facegauge_gateway_stream_packets_total{{{SOURCE}, result="received"}}'
                    "[$__rate_interval])",
                    NAME,
                ),
                unit="pps",
                thresholds=steps(NEUTRAL),
            ).min(0)
        )
        .with_panel(
            panel(
                table.Panel(),
                "Worst sources",
                "The twenty sources that lose the largest share of their packets now.",
                instant(f"topk(20, {LOSS})"),
                unit="percentunit",
                thresholds=steps(*LOSS_STEPS),
            )
            .decimals(1)
            .sort_by([TableSortByFieldState().display_name("Lost").desc(True)])
            .with_transformation(
                model.DataTransformerConfig(
                    id_val="organize",
                    options={
                        "excludeByName": {"Time": True, "__name__": True, "job": True},
                        "indexByName": {"call_id": 0, "stream_id": 1, "ssrc": 2, "instance": 3, "Value": 4},
                        "renameByName": {"Value": "Lost"},
                    },
                )
            )
        )
    )
