"""Gateway: what media servers and browsers send, what is lost on the way, and what reaches the server."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.generator.gateway_delivery import NAMESPACE, process_row, refused_row, server_row
from dashboards.generator.gateway_sources import sources_row
from dashboards.generator.parts import (
    INSTANCE,
    NEUTRAL,
    board,
    choices,
    lines,
    number,
    panel,
    query,
    rate,
    stacked,
    steps,
)


def gateway() -> build.Dashboard:
    """Build the dashboard."""
    ready = f"{NAMESPACE}_ready"
    sources = f'{NAMESPACE}_stream_jitter_seconds{{job=~"$job", instance=~"$instance"'
    first = (
        board(
            "gateway",
            "Gateway",
            "RTP that the gateways receive: losses, broken pictures, and what the server takes.",
            'scope="gateway"',
            jobs_of=ready,
        )
        .with_variable(choices("instance", "Gateway", f'label_values({ready}{{job=~"$job"}}, instance)'))
        .with_variable(choices("call_id", "Call", f"label_values({sources}}}, call_id)"))
        .with_variable(
            choices("stream_id", "Stream", f'label_values({sources}, call_id=~"$call_id"}}, stream_id)')
        )
    )
    return process_row(server_row(refused_row(sources_row(_pictures(_now(first))))))


def _now(board: build.Dashboard) -> build.Dashboard:
    received = rate(f"{NAMESPACE}_rtp_packets_total", "job", f'{INSTANCE}, result="received"')
    lost = rate(f"{NAMESPACE}_rtp_packets_total", "job", f'{INSTANCE}, result="lost"')
    return (
        board.with_row(build.Row("Now"))
        .with_panel(
            panel(
                number(sparkline=False),
                "Ready",
                "Whether /readyz answers 200: the server answers and nothing drains. GatewayNotReady "
                "fires after 30 s without.",
                query(f"{NAMESPACE}_ready{{{INSTANCE}}}", "{{instance}}"),
                unit="bool_yes_no",
                thresholds=steps((None, "red"), (1, "green")),
                width=4,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Sources",
                "Sources of RTP (SSRCs) that are there: one for each camera that is forwarded or published.",
                query(f"sum({NAMESPACE}_rtp_streams{{{INSTANCE}}})", "sources"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=5,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Streams at the server",
                "Streams that are open at the server. Fewer than there are sources: the others wait for "
                "their first picture, or are not taken.",
                query(f"sum({NAMESPACE}_streams{{{INSTANCE}}})", "streams"),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=5,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Packets received",
                "Packets of RTP per second, over all gateways and sources.",
                query(received, "packets"),
                unit="pps",
                thresholds=steps(NEUTRAL),
                width=5,
                height=5,
            )
        )
        .with_panel(
            panel(
                number(),
                "Packets lost",
                "Share of packets that never came, or too late. PacketLossHigh fires where one stream "
                "loses 5% for three minutes.",
                query(f"{lost} / ({lost} + {received} > 0)", "lost"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.01, "orange"), (0.05, "red")),
                width=5,
                height=5,
            ).decimals(1)
        )
    )


def _pictures(board: build.Dashboard) -> build.Dashboard:
    return (
        board.with_row(build.Row("Packets and pictures"))
        .with_panel(
            panel(
                lines(),
                "Packets by result",
                "Packets per second: lost are those given up after the wait for them; late came after "
                "that; duplicates, misplaced and other payloads are of no use; retransmitted came again.",
                query(rate(f"{NAMESPACE}_rtp_packets_total", "result"), "{{result}}"),
                unit="pps",
                thresholds=steps(NEUTRAL),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                stacked(),
                "Pictures by result",
                "Coded pictures per second: whole ones are forwarded; broken ones miss packets, left out "
                "ones another picture that they depend on.",
                query(rate(f"{NAMESPACE}_rtp_units_total", "result"), "{{result}}"),
                unit="ops",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Share of pictures broken",
                "By gateway, left out ones included. UnitsBroken fires over 5% for three minutes.",
                query(f"instance:{NAMESPACE}_units_broken:ratio_rate1m{{{INSTANCE}}}", "{{instance}}"),
                unit="percentunit",
                thresholds=steps((None, "green"), (0.05, "red")),
                width=8,
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            panel(
                lines(),
                "Keyframes asked for",
                "Per minute: requests to senders (PLI), on join, after a loss, or as the server could not "
                "decode on (its needs).",
                query(
                    f"60 * {rate(f'{NAMESPACE}_rtp_feedback_total', 'instance', _requests())}",
                    "requests {{instance}}",
                ),
                query(
                    f"60 * {rate(f'{NAMESPACE}_keyframes_needed_total', 'instance')}", "needs {{instance}}"
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Feedback sent",
                "RTCP per second by kind: reports of the receiver, requests for keyframes (PLI) and for "
                "packets (NACK).",
                query(rate(f"{NAMESPACE}_rtp_feedback_total", "kind"), "{{kind}}"),
                unit="ops",
                thresholds=steps(NEUTRAL),
            ).min(0)
        )
    )


def _requests() -> str:
    return f'{INSTANCE}, kind="keyframe_request"'
