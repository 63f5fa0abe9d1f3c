"""Call: one call's streams over time, with the alerts that fired."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

from dashboards.generator.call_frames import frames_row
from dashboards.generator.causes import costs, faults, time_with_fault
from dashboards.generator.parts import (
    NEUTRAL,
    STREAM,
    STREAM_NAME,
    board,
    choices,
    lines,
    number,
    panel,
    quality_steps,
    query,
    steps,
)
from facegauge_server.types import StreamState

STATE_COLORS = {
    StreamState.WAITING: "blue",
    StreamState.SCORED: "green",
    StreamState.LOW_RESOLUTION: "yellow",
    StreamState.FACE_TOO_SMALL: "orange",
    StreamState.NO_FACE: "purple",
    StreamState.STALE: "text",
    StreamState.DECODE_ERROR: "red",
}
IDS = "tenant, call_id, stream_id"
HELD_QUALITY = f"stream:facegauge_stream_quality_ratio:last1m{{{STREAM}}}"


def call() -> build.Dashboard:
    """Build the dashboard."""
    streams = "facegauge_stream_faces"
    return frames_row(
        board(
            "call",
            "Call",
            "The streams of a call: when quality fell, why, and what else happened at that time.",
            'scope="stream", tenant=~"$tenant", call_id=~"$call_id", stream_id=~"$stream_id"',
        )
        .with_variable(choices("tenant", "Tenant", f'label_values({streams}{{job=~"$job"}}, tenant)'))
        .with_variable(
            choices("call_id", "Call", f'label_values({streams}{{job=~"$job", tenant=~"$tenant"}}, call_id)')
        )
        .with_variable(
            choices(
                "stream_id",
                "Stream",
                f'label_values({streams}{{job=~"$job", tenant=~"$tenant", call_id=~"$call_id"}}, stream_id)',
            )
        )
        .with_row(build.Row("Quality"))
        .with_panel(
            panel(
                lines(),
                "Quality",
                "Smoothed quality of each stream's main face, 0-1; a gap means no current score. "
                "StreamQualityLow fires after 30 s under 0.4 (lowest line) and resolves over 0.5.",
                query(f"facegauge_stream_quality_ratio{{{STREAM}}}", STREAM_NAME),
                unit="none",
                thresholds=quality_steps(),
                width=16,
                height=11,
            )
            .min(0)
            .max(1)
            .decimals(2)
        )
        .with_panel(
            panel(
                number(),
                "Quality now",
                "Last quality of each stream, held for a minute through moments without a score.",
                query(HELD_QUALITY, STREAM_NAME),
                unit="none",
                thresholds=quality_steps(),
                width=4,
                height=11,
            ).decimals(2)
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Time under 0.4",
                "Share of its time in this range that each stream has spent under 0.4.",
                query(f"avg_over_time(({HELD_QUALITY} < bool 0.4)[$__range:])", STREAM_NAME),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.05, "orange"), (0.2, "red")),
                width=4,
                height=11,
            )
        )
        .with_panel(costs())
        .with_panel(time_with_fault())
        .with_panel(faults())
        .with_panel(_states())
    )


def _states() -> statetimeline.Panel:
    """Build the timeline; each state has a number, which the mappings turn back into its name."""
    numbered = list(enumerate(StreamState))
    expr = " + ".join(
        f'{number} * max by ({IDS}) (facegauge_stream_state{{{STREAM}, state="{state}"}})'
        for number, state in numbered
    )
    names = {
        str(number): model.ValueMappingResult(text=state, color=STATE_COLORS[state], index=number)
        for number, state in numbered
    }
    return (
        panel(
            statetimeline.Panel(),
            "State",
            "State of each stream; the README's table explains them.",
            query(expr, STREAM_NAME),
            unit="none",
            thresholds=steps(NEUTRAL),
            width=24,
        )
        .mappings([model.ValueMap(options=names)])
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
    )
