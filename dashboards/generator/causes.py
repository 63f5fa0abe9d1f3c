"""Panels of what is wrong: with the streams of a call, and with the whole fleet."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, statetimeline, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

from dashboards.generator.parts import (
    JOB,
    NEUTRAL,
    STREAM,
    STREAM_NAME,
    AnyPanel,
    colored,
    lines,
    panel,
    query,
    stacked,
    steps,
)
from facegauge_server.kinds import FAULTS, CauseKind

__all__ = [
    "causes_of_low_streams",
    "costs",
    "faults",
    "seconds_by_cause",
    "streams_by_cause",
    "time_with_fault",
]

CAUSE_COLORS = {
    CauseKind.COMPRESSION: "orange",
    CauseKind.RESOLUTION: "yellow",
    CauseKind.BLUR: "blue",
    CauseKind.NOISE: "purple",
    CauseKind.EXPOSURE: "light-orange",
    CauseKind.LOSS: "red",
    CauseKind.FREEZE: "dark-red",
    CauseKind.BLACK: "dark-purple",
    CauseKind.COVERED: "dark-orange",
    CauseKind.NO_FACE: "text",
    CauseKind.FACE_TOO_SMALL: "light-blue",
    CauseKind.FACE_CUT_OFF: "dark-blue",
    CauseKind.LOW_FRAME_RATE: "dark-yellow",
}
"""The same on every dashboard."""


def _colored(board_panel: AnyPanel) -> AnyPanel:
    """Give every cause its colour; series are named after their cause."""
    return colored(board_panel, CAUSE_COLORS)


def costs() -> timeseries.Panel:
    """Build the panel of what costs quality, to stand under that of quality."""
    return _colored(
        panel(
            stacked(),
            "What costs quality",
            "Quality that would come back without each cause of the picture, all others staying; the mean of "
            "the streams chosen above. A cause is named from 0.1 on. Empty where the student names none.",
            query(f"avg by (cause) (facegauge_stream_impairment_ratio{{{STREAM}}})", "{{cause}}"),
            unit="none",
            thresholds=steps(NEUTRAL),
            width=16,
            height=9,
        )
        .min(0)
        .decimals(2)
    )


def time_with_fault() -> timeseries.Panel:
    """Build the panel of how much of the last minute faults lasted, beside what costs quality."""
    return (
        panel(
            lines(),
            "Last minute with a fault",
            "Share of the last minute that each fault of the stream lasted. Over 30% are StreamFrozen, "
            "StreamBlack and StreamCovered, each after its time.",
            query(f"stream_cause:facegauge_stream_fault:share1m{{{STREAM}}}", f"{{{{cause}}}} {STREAM_NAME}"),
            unit="percentunit",
            thresholds=steps((None, "green"), (0.3, "red")),
            width=8,
            height=9,
        )
        .min(0)
        .max(1)
    )


def faults() -> statetimeline.Panel:
    """Build the timeline of faults; each has a number, which the mappings turn back into its name."""
    numbered = list(enumerate(FAULTS, start=1))
    expr = " or ".join(
        f'{number} * facegauge_stream_fault{{{STREAM}, cause="{cause}"}}' for number, cause in numbered
    )
    names = {
        str(number): model.ValueMappingResult(text=cause, color=CAUSE_COLORS[cause], index=number)
        for number, cause in numbered
    }
    return (
        panel(
            statetimeline.Panel(),
            "Faults",
            "When each stream was frozen, black, covered, or had another fault: a row for each that it had "
            "in this range. The runbook has a section on each.",
            query(expr, f"{STREAM_NAME} {{{{cause}}}}"),
            unit="none",
            thresholds=steps(NEUTRAL),
            width=24,
        )
        .mappings([model.ValueMap(options=names)])
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
    )


def streams_by_cause() -> timeseries.Panel:
    """Build the panel of how many streams have each cause at a time."""
    return _colored(
        panel(
            stacked(),
            "Streams with a cause named",
            "Streams that have each cause at a time: seconds of streams with it, by second. A stream may "
            "have several.",
            query(
                f"sum by (cause) (rate(facegauge_cause_seconds_total{{{JOB}}}[$__rate_interval]))",
                "{{cause}}",
            ),
            unit="short",
            thresholds=steps(NEUTRAL),
            height=10,
        ).min(0)
    )


def seconds_by_cause() -> bargauge.Panel:
    """Build the panel of the seconds of bad picture in the range, the most first."""
    return _colored(
        panel(
            bargauge.Panel(),
            "Seconds of bad picture by cause",
            "Time of all streams in this range with each cause named: what to repair first.",
            query(
                f"sort_desc(sum by (cause) (increase(facegauge_cause_seconds_total{{{JOB}}}[$__range])) > 0)",
                "{{cause}}",
            ).instant(),
            unit="s",
            thresholds=steps(NEUTRAL),
            width=6,
            height=10,
        )
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    )


def causes_of_low_streams() -> timeseries.Panel:
    """Build the panel of what streams that look bad have."""
    return _colored(
        panel(
            stacked(),
            "Why streams look bad",
            "Streams under 0.4 by what costs most of their quality, or else by their foremost fault. "
            "ManyStreamsLow names the largest.",
            query(f"sum by (cause) (job_cause:facegauge_streams_low:count{{{JOB}}})", "{{cause}}"),
            unit="short",
            thresholds=steps(NEUTRAL),
            width=6,
            height=10,
        )
        .min(0)
        .decimals(0)
    )
