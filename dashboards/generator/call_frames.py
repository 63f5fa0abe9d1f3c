"""Row "Frames" of the dashboard Call."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common

from dashboards.generator.parts import NEUTRAL, STREAM, STREAM_NAME, lines, panel, query, stacked, steps


def frames_row(board: build.Dashboard) -> build.Dashboard:
    """Add the row: what came of the streams, and what became of it."""
    return (
        board.with_row(build.Row("Frames"))
        .with_panel(
            panel(
                lines().line_interpolation(common.LineInterpolation.STEP_AFTER),
                "Faces",
                "Faces in each stream's last frame. The stream's quality is its main face's.",
                query(f"facegauge_stream_faces{{{STREAM}}}", STREAM_NAME),
                unit="short",
                thresholds=steps(NEUTRAL),
                width=8,
            )
            .min(0)
            .decimals(0)
        )
        .with_panel(
            panel(
                stacked(),
                "Frames per second by result",
                "Frames of these streams by what became of them.",
                query(
                    f"sum by (result) (rate(facegauge_stream_frames_total{{{STREAM}}}[$__rate_interval]))",
                    "{{result}}",
                ),
                unit="ops",
                thresholds=steps(NEUTRAL),
                width=8,
            )
        )
        .with_panel(
            panel(
                lines(),
                "Age of the last frame",
                "Time since the last frame arrived. StreamStalled fires over 5 s.",
                query(f"time() - facegauge_stream_last_frame_timestamp_seconds{{{STREAM}}}", STREAM_NAME),
                unit="s",
                thresholds=steps((None, "green"), (5, "red")),
                width=8,
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Bit rate",
                "Bits per second of each stream's frames as they arrive. Few are no fault by themselves: who "
                "sits still needs few.",
                query(
                    f"8 * rate(facegauge_stream_received_bytes_total{{{STREAM}}}[$__rate_interval])",
                    STREAM_NAME,
                ),
                unit="bps",
                thresholds=steps(NEUTRAL),
            ).min(0)
        )
        .with_panel(
            panel(
                lines(),
                "Keyframes and breaks of coded video",
                "Keyframes, and times that nothing could be decoded before the next one, since units were "
                "missing or damaged. Many of both are a call that loses packets. Empty for pictures.",
                query(
                    f"increase(facegauge_stream_keyframes_total{{{STREAM}}}[$__rate_interval])",
                    f"keyframes {STREAM_NAME}",
                ),
                query(
                    f"increase(facegauge_stream_decoding_breaks_total{{{STREAM}}}[$__rate_interval])",
                    f"breaks {STREAM_NAME}",
                ),
                unit="short",
                thresholds=steps(NEUTRAL),
            ).min(0)
        )
    )
