"""Row "Events and webhook" of the dashboard Service."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.parts import INSTANCE, NEUTRAL, colored, lines, panel, query, rate, stacked, steps

RESULT_COLORS = {"delivered": "green", "failed": "red", "dropped": "orange"}


def webhook_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what happened to streams, and whether the back end hears of it."""
    results = panel(
        stacked(),
        "Webhook: events per second by result",
        "Events delivered to --webhook-url, given up (failed), or pushed out of a full queue (dropped). "
        "WebhookEventsLost fires at the first that is lost.",
        query(rate("facegauge_webhook_events_total", "result"), "{{result}}"),
        unit="ops",
        thresholds=steps(NEUTRAL),
        width=8,
    ).min(0)
    return (
        board.with_row(build.Row("Events and webhook"))
        .with_panel(
            panel(
                stacked(),
                "Events per second by kind",
                "What happened to streams, as WatchEvents and the webhook tell it. Many causes that begin "
                "and end are a stream at a threshold.",
                query(rate("facegauge_events_total", "kind"), "{{kind}}"),
                unit="ops",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(colored(results, RESULT_COLORS))
        .with_panel(
            panel(
                lines(),
                "Webhook: events that wait, and attempts made again",
                "Events that the webhook has not delivered yet, of --webhook-queue at most, and attempts per "
                "second after one that failed. WebhookNotDelivering fires where events wait "
                "and none gets through.",
                query(f"facegauge_webhook_queue_length{{{INSTANCE}}}", "waiting {{instance}}"),
                query(rate("facegauge_webhook_retries_total", "instance"), "again per second {{instance}}"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
    )
