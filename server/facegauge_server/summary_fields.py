"""Counts and times of a stream under the names that the interface gives them, wherever they are sent to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facegauge_server.types import FrameResult, StreamSummary

__all__ = ["frame_counts", "summary_fields"]

COUNTS = {
    "frames_scored": FrameResult.SCORED,
    "frames_no_face": FrameResult.NO_FACE,
    "frames_too_small": FrameResult.TOO_SMALL,
    "frames_dropped": FrameResult.DROPPED,
    "frames_failed": FrameResult.ERROR,
    "frames_skipped": FrameResult.SKIPPED,
    "frames_not_decoded": FrameResult.NOT_DECODED,
}


def frame_counts(frames: Mapping[FrameResult, int]) -> dict[str, int]:
    """Return how many frames came to each result, those of none too."""
    return {name: frames.get(result, 0) for name, result in COUNTS.items()}


def summary_fields(summary: StreamSummary, stream_id: str) -> dict[str, Any]:
    """Return what a summary says, without an opinion score; a quality that does not exist is None.

    States and causes are those of `kinds`, whose texts are the names that JSON has.
    """
    return {
        "stream_id": stream_id,
        "mean_quality": summary.mean_quality,
        "p10_quality": summary.p10_quality,
        "state_times": [
            {"state": state, "seconds": seconds} for state, seconds in summary.state_times_s.items()
        ],
        **frame_counts(summary.frames),
        "cause_times": [
            {"kind": kind, "seconds": seconds} for kind, seconds in summary.cause_times_s.items()
        ],
    }
