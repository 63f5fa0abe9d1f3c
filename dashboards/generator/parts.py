"""Parts that the dashboards share: bands of quality, variables, alerts as annotations, panels."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as queries

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

QUALITY_BANDS = (
    (0.0, "bad", "red"),
    (0.4, "fair", "orange"),
    (0.6, "good", "light-green"),
    (0.8, "fine", "green"),
)
"""Start of each band of quality; `StreamQualityLow` fires below the second one's start."""

JOB = 'job=~"$job"'
INSTANCE = f'{JOB}, instance=~"$instance"'
STREAM = f'{JOB}, tenant=~"$tenant", call_id=~"$call_id", stream_id=~"$stream_id"'
"""`.*` also matches series without a tenant, those of servers that do not identify their callers."""

STREAM_NAME = "{{call_id}} {{stream_id}} {{tenant}}"

STAGE = "facegauge_stage_duration_seconds"
NEUTRAL = (None, "blue")
"""Threshold of values that are neither good nor bad."""

Name = TypeVar("Name", bound=str)
AnyPanel = TypeVar(
    "AnyPanel",
    timeseries.Panel,
    stat.Panel,
    table.Panel,
    heatmap.Panel,
    statetimeline.Panel,
    bargauge.Panel,
)


class AlertAnnotation(model.AnnotationQuery):
    """Marks on the time axis while an alert fires, with fields that the SDK's type lacks."""

    def to_json(self) -> dict[str, object]:
        """Return the JSON that Grafana reads."""
        prometheus_only = {
            "step": "10s",
            "tagKeys": "alertname,severity",
            "titleFormat": "{{alertname}}",
            "textFormat": "{{call_id}} {{stream_id}} {{instance}}",
        }
        return super().to_json() | prometheus_only


class Alerts(Builder[model.AnnotationQuery]):
    """Builder of an AlertAnnotation for alerts that fit a selector."""

    def __init__(self, selector: str) -> None:
        self._expr = f'ALERTS{{alertstate="firing", {selector}}}'

    def build(self) -> model.AnnotationQuery:
        """Return the annotation."""
        return AlertAnnotation(
            name="Alerts", datasource=DATASOURCE, enable=True, icon_color="red", expr=self._expr
        )


def of_stage(stage: str) -> str:
    """Return the selector of one stage's series."""
    return f'{INSTANCE}, stage="{stage}"'


def rate(metric: str, by: str, selector: str = INSTANCE) -> str:
    """Return the expression of a metric's rate."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def query(expr: str, legend: str = "") -> prometheus.Dataquery:
    """Build a query over the dashboard's time range."""
    return prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").range()


def instant(expr: str, legend: str = "") -> prometheus.Dataquery:
    """Build a query for its value now, as a table."""
    return (
        prometheus.Dataquery()
        .expr(expr)
        .legend_format(legend or "__auto")
        .instant()
        .format(queries.PromQueryFormat.TABLE)
    )


def buckets(expr: str) -> prometheus.Dataquery:
    """Build a query for a heatmap: one series a `le`."""
    return query(expr, "{{le}}").format(queries.PromQueryFormat.HEATMAP)


def steps(*starts: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Build thresholds from (start, colour); the first start is None, for minus infinity."""
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=start, color=color) for start, color in starts])
    )


def quality_steps() -> build.ThresholdsConfig:
    """Build the thresholds of quality, red to green."""
    first, *others = QUALITY_BANDS
    return steps((None, first[2]), *((start, color) for start, _, color in others))


def panel(
    kind: AnyPanel,
    title: str,
    description: str,
    *targets: prometheus.Dataquery,
    unit: str,
    thresholds: build.ThresholdsConfig,
    width: int = 12,
    height: int = 8,
) -> AnyPanel:
    """Set what every panel must have."""
    kind = kind.title(title).description(description).datasource(DATASOURCE)
    kind = kind.unit(unit).thresholds(thresholds).span(width).height(height)
    for letter, target in zip(string.ascii_uppercase, targets, strict=False):
        kind = kind.with_target(target.ref_id(letter))
    return kind


def colored(board_panel: AnyPanel, colors: Mapping[Name, str]) -> AnyPanel:
    """Give each series of a panel the colour that goes with its name."""
    for name, color in colors.items():
        fixed = {"mode": "fixed", "fixedColor": color}
        board_panel = board_panel.override_by_name(
            name, [model.DynamicConfigValue(id_val="color", value=fixed)]
        )
    return board_panel


def lines() -> timeseries.Panel:
    """Build the base of a panel of lines."""
    return (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(5)
        .show_points(common.VisibilityMode.NEVER)
        .thresholds_style(GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED))
        .legend(
            VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["mean", "lastNotNull"])
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )


def stacked() -> timeseries.Panel:
    """Build the base of a panel of stacked areas."""
    return (
        lines()
        .fill_opacity(60)
        .stacking(StackingConfig().mode(common.StackingMode.NORMAL))
        .thresholds_style(GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.OFF))
    )


def number(*, sparkline: bool = True) -> stat.Panel:
    """Build the base of a panel that shows the last value large."""
    graph = common.BigValueGraphMode.AREA if sparkline else common.BigValueGraphMode.NONE
    return stat.Panel().graph_mode(graph).reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))


def choice(name: str, label: str, values: str) -> build.QueryVariable:
    """Build a variable whose values come from Prometheus."""
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(values)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def choices(name: str, label: str, values: str) -> build.QueryVariable:
    """Build a variable of which several values can be chosen; All is the first choice."""
    everything = model.VariableOption(selected=True, text="All", value="$__all")
    return choice(name, label, values).include_all(True).all_value(".*").multi(True).current(everything)


def board(
    uid: str, title: str, description: str, alerts: str, *, jobs_of: str = "facegauge_streams_active"
) -> build.Dashboard:
    """Build an empty dashboard with its data source, its job, its annotations and links to the others.

    Jobs to choose from are those that export the metric `jobs_of`.
    """
    return (
        build.Dashboard(f"Facegauge / {title}")
        .uid(f"facegauge-{uid}")
        .description(description)
        .tags(["facegauge"])
        .timezone("browser")
        .time("now-30m", "now")
        .refresh("5s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(
            build.DashboardLink("Facegauge")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["facegauge"])
            .keep_time(True)
        )
        .annotation(Alerts(alerts))
        .with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(choice("job", "Job", f"label_values({jobs_of}, job)"))
    )
