"""Fleet: shows whether one stream looks bad, one call, or everybody."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import heatmap, table
from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.heatmap import HeatmapColorOptions, YAxisConfig
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.generator.causes import causes_of_low_streams, seconds_by_cause, streams_by_cause
from dashboards.generator.parts import (
    JOB,
    NEUTRAL,
    QUALITY_BANDS,
    board,
    buckets,
    instant,
    lines,
    number,
    panel,
    quality_steps,
    query,
    stacked,
    steps,
)

QUALITY = f"stream:facegauge_stream_quality_ratio:last1m{{{JOB}}}"
DROPPED = f'sum(rate(facegauge_frames_total{{{JOB}, result="dropped"}}[$__rate_interval]))'
FRAMES = f"sum(rate(facegauge_frames_total{{{JOB}}}[$__rate_interval]))"
IDS = "job, tenant, stream_id, call_id"
WHERE = f"stream:facegauge_stream_last_frame_timestamp_seconds:newest{{{JOB}}}"
"""The replica that each stream is on, by its labels."""
LOCATED = f"{QUALITY} * on ({IDS}) group_left (instance) {WHERE} ^ 0"
WITH_CAUSE = f"{LOCATED} * on ({IDS}) group_left (cause) stream:facegauge_stream_cause:main{{{JOB}}} ^ 0"
"""Quality with the main cause as a label, of streams that have one."""
STARTS = [start for start, _, _ in QUALITY_BANDS[1:]]

# Without the tenant: where callers are not identified no row has one, and Grafana would put the macro itself.
OPEN_CALL = (
    "/d/facegauge-call?${__url_time_range}&var-datasource=${datasource}&var-job=${job}"
    "&var-call_id=${__data.fields.call_id}&var-stream_id=${__data.fields.stream_id}"
)


def fleet() -> build.Dashboard:
    """Build the dashboard."""
    return (
        board("fleet", "Fleet", "Quality of all streams, and which look worst.", 'scope="fleet"')
        .with_row(build.Row("Now"))
        .with_panel(
            panel(
                number(),
                "Live streams",
                "Streams with an open connection, or waiting for their client to reconnect; each once, also "
                "while it moves between servers.",
                query(f"sum(job:facegauge_streams:count{{{JOB}}})", "streams"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=5,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Median quality",
                "Half of the live streams look better. Smoothed quality of each stream's main face, 0-1.",
                query(f"quantile(0.5, {QUALITY})", "quality"),
                unit="none",
                thresholds=quality_steps(),
                width=5,
                height=5,
            ).decimals(2)
        )
        .with_panel(
            panel(
                number(),
                "Streams that look bad",
                f"Share of live streams under {STARTS[0]}. ManyStreamsLow fires over 30% of five or more.",
                query(f"job:facegauge_streams_low:ratio{{{JOB}}}", "share"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.1, "orange"), (0.3, "red")),
                width=5,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Servers up",
                "Servers that Prometheus can scrape. Zero means that nothing is monitored.",
                query(f"sum(up{{{JOB}}})", "servers"),
                unit="short",
                thresholds=steps((None, "red"), (1, "green")),
                width=4,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Firing alerts",
                "Facegauge's alerts of all severities; the runbook has a section on each.",
                query(
                    'count(ALERTS{alertstate="firing", scope=~"stream|server|gateway|fleet"}) or vector(0)',
                    "alerts",
                ),
                unit="short",
                thresholds=steps((None, "green"), (1, "orange"), (10, "red")),
                width=5,
                height=5,
            )
        )
        .with_row(build.Row("Quality"))
        .with_panel(
            panel(
                heatmap.Panel(),
                "Quality of scored faces",
                "Number of faces scored, by raw quality in steps of 0.05. A second band below the usual one "
                "is a group of streams with a common cause.",
                buckets(f"sum by (le) (increase(facegauge_quality_ratio_bucket{{{JOB}}}[$__rate_interval]))"),
                unit="short",
                thresholds=quality_steps(),
                height=10,
            )
            .color(HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64))
            .y_axis(YAxisConfig().axis_label("raw quality").decimals(2))
        )
        .with_panel(_worst())
        .with_panel(
            panel(
                lines(),
                "Share of streams under each band",
                "Share of live streams below the start of each band; the legend has the mean over the range.",
                *(query(f"avg({QUALITY} < bool {start})", f"under {start}") for start in STARTS),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.3, "red")),
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                stacked(),
                "Streams by state",
                "Number of streams in each state: scored, at low resolution, without a face, stale.",
                query(
                    f"sum by (state) (facegauge_stream_state{{{JOB}}} and on (instance, {IDS}) {WHERE})",
                    "{{state}}",
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
            )
        )
        .with_row(build.Row("What is wrong"))
        .with_panel(streams_by_cause())
        .with_panel(causes_of_low_streams())
        .with_panel(seconds_by_cause())
        .with_row(build.Row("Frames and ended streams"))
        .with_panel(
            panel(
                stacked(),
                "Frames per second by result",
                "Frames received, by what became of them.",
                query(
                    f"sum by (result) (rate(facegauge_frames_total{{{JOB}}}[$__rate_interval]))", "{{result}}"
                ),
                unit="ops",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Share of frames dropped",
                "Dropped because a newer frame arrived first, or as the surplus of a camera that sends too "
                "many. SheddingLoad fires where frames are also late.",
                query(f"{DROPPED} / ({FRAMES} > 0) or vector(0)", "dropped"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.1, "red")),
                width=8,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                number(sparkline=False),
                "Streams that ended in this time range",
                "By mean quality over their whole life; includes streams too short for a scrape to see.",
                query(f"sum(increase(facegauge_session_quality_ratio_count{{{JOB}}}[$__range]))", "all"),
                *(
                    query(
                        "sum(increase(facegauge_session_quality_ratio_bucket"
                        f'{{{JOB}, le="{start}"}}[$__range]))',
                        f"under {start}",
                    )
                    for start in STARTS
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).decimals(0)
        )
    )


def _worst() -> table.Panel:
    link = build.DashboardLink("Open the call").url(OPEN_CALL)
    hidden = {"Time": True, "__name__": True, "job": True}
    return (
        panel(
            table.Panel(),
            "Worst streams",
            "The twenty live streams with the lowest quality now, and what costs most of it, else the "
            "foremost fault. Click a quality to open its call.",
            instant(f"bottomk(20, {WITH_CAUSE} or on ({IDS}) {LOCATED})"),
            unit="none",
            thresholds=quality_steps(),
            height=10,
        )
        .decimals(2)
        .sort_by([TableSortByFieldState().display_name("Quality").desc(False)])
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": hidden,
                    "indexByName": {
                        "tenant": 0,
                        "call_id": 1,
                        "stream_id": 2,
                        "instance": 3,
                        "cause": 4,
                        "Value": 5,
                    },
                    "renameByName": {"cause": "Main cause", "Value": "Quality"},
                },
            )
        )
        .override_by_name(
            "Quality",
            [
                model.DynamicConfigValue(
                    id_val="custom.cellOptions", value=common.TableColoredBackgroundCellOptions()
                ),
                model.DynamicConfigValue(id_val="links", value=[link.build()]),
            ],
        )
    )
