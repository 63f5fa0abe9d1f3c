"""Section of the page on moving, talking faces in calls that get worse."""

from __future__ import annotations

from typing import Any

from facegauge_training.evaluation.calls import Call
from facegauge_training.evaluation.report.causes_section import with_interval
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots_of_calls import plot_calls, plot_seconds

__all__ = ["call_section"]


def call_section(calls: list[Call], figures: dict[str, Any]) -> Section:
    """Return the section of some calls and what `call_figures` says of them."""
    lag, own = figures["lag_s"], figures["lag_of_smoothing_s"]
    stream = figures["stream_interval"]
    verdict = (
        f"SROCC within a call: {with_interval(figures['srocc_within'])} in the mean, least "
        f"{figures['srocc_within_least']:.3f} ({figures['least_call']}). Over the seconds of all calls "
        f"together {with_interval(figures['together']['srocc'])}"
    )
    if figures["sharp_together"]:
        verdict += f", of sharp videos {with_interval(figures['sharp_together']['srocc'])}"
    verdict += (
        f". The smoothed score is {with_interval(lag, '.2f')} s behind the truth; of a perfect scorer it "
        f"would be {own['value']:.2f} s."
    )
    return Section(
        "Calls that get worse",
        f"{figures['videos']} videos of talking faces, {figures['sharp_videos']} of them sharp, each sent "
        "through real-time x264 and VP8 whose rate and lines fall from second to second. Truth is VMAF of "
        "the face region; the smoothed score is what the server's smoothing makes of five scores a second. "
        "The calls with the least agreement come first.",
        "A score that does not fall with the truth; a lag far over what the smoothing itself takes.",
        verdict,
        (plot_calls(calls), plot_seconds(calls)),
        (
            Table(
                "Truth of a smoothed score: 90% interval of the truth, smoothed alike, less the score. Made "
                f"from one half of the videos it holds {stream['held_out_coverage']:.1%} of the other half.",
                ("score", "crops", "truth at least", "at most"),
                interval_rows(stream),
            ),
            Table(
                "Call by call",
                ("video", "codec", "reference", "SROCC", "mean of score less truth", "lag, s"),
                tuple(
                    (
                        row["video"],
                        row["codec"],
                        "sharp" if row["sharp"] else "soft",
                        f"{row['srocc']:.3f}",
                        f"{row['bias']:+.3f}",
                        f"{row['lag_s']:.2f}",
                    )
                    for row in figures["by_call"]
                ),
            ),
        ),
    )


def interval_rows(interval: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the lines of a table of an interval by range of the score."""
    ranges = interval["ranges"]
    half = (ranges[1]["score"] - ranges[0]["score"]) / 2 if len(ranges) > 1 else 0.5
    return tuple(
        (
            f"{row['score'] - half:.1f} to {row['score'] + half:.1f}",
            f"{row['crops']:,}",
            f"{row['low']:+.3f}",
            f"{row['high']:+.3f}",
        )
        for row in ranges
    )
