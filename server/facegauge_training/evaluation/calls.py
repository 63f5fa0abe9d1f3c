"""Measure a student on calls that get worse (`data.call_clips`): how well and how late its score follows.

- **Within a call**: Spearman's correlation over its seconds, between the mean raw score of each and its
  truth, the mean VMAF of the face region.
- **Together**: all seconds of all calls in one correlation, as one threshold for all calls needs it. Sharp
  videos apart: what is soft by nature lost nothing, and no scorer without the original can know.
- **Lag**: the server's own smoothing (`QualitySmoother`, with a stream's default settings) runs over the
  scores. Its lag is the delay of the truth, brought to the scores' scale by a line, that the smoothed score
  agrees with best. What the smoothing makes of the truth itself lags too: that much is the settings' doing.

Intervals: 95%, bootstrap over videos, whose calls go together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.stream_settings import StreamSettings
from facegauge_server.types import Box, FaceBox, FaceScore, FaceState, FrameResult, FrameScore
from facegauge_training.common.metrics import bootstrap
from facegauge_training.data.crop_set import CropSet, chain_of
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.sources import MIN_FACE_HEIGHT
from facegauge_training.evaluation.report.calibration import interval_by_score
from facegauge_training.evaluation.report.headline import srocc
from facegauge_training.evaluation.report.measured import Floats

__all__ = ["MIN_SHARPNESS", "Call", "call_figures", "calls_of", "lag_s", "smoothed"]

MIN_SHARPNESS = 47.0
"""Variance of the Laplacian of a pristine crop, 288x384: 95% of those of the val ladder have more."""
LAGS_S = np.arange(0.0, 5.001, 0.05)
"""Delays that are tried."""
RANGE = 0.2
"""Width of the ranges of a stream's score that have an interval each."""
FACE = FaceBox(1, Box(0, 0, 200, 200))


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the store, and what a student said of its crops, in their order in time."""

    video: str
    codec: str
    is_sharp: bool
    """Whether the video has a face as large and sharp as references have."""
    at_s: Floats
    """(n,), like the next four."""
    truth: Floats
    """Label of each crop."""
    scores: Floats
    """Raw."""
    smoothed: Floats
    """As the server would smooth the scores."""
    smoothed_truth: Floats
    """As it would smooth a perfect scorer's."""
    second_truth: Floats
    """(seconds,), mean VMAF/100 of the face region, unclipped: it still orders ruins."""
    second_score: Floats
    """(seconds,), mean raw score."""

    @property
    def srocc(self) -> float:
        """Rank correlation of score and truth over the seconds."""
        return srocc(self.second_score, self.second_truth)


def calls_of(scores: Floats, crops: CropSet) -> list[Call]:
    """Return the calls of the store `clips-1` with the scores (n,) of its crops, by video and codec."""
    keys = np.array([str(row["key"]) for row in crops.rows])
    pristine = np.array([chain_of(row) == Chain() for row in crops.rows])
    return sorted(
        (_call(scores, crops, np.flatnonzero(keys == key), pristine) for key in sorted(set(keys))),
        key=lambda call: (call.video, call.codec),
    )


def _call(
    scores: Floats, crops: CropSet, places: npt.NDArray[np.intp], pristine: npt.NDArray[np.bool_]
) -> Call:
    untouched = int(places[pristine[places]][0])
    seen = np.array(sorted(places[~pristine[places]], key=lambda i: float(crops.rows[i]["at_s"])))
    rows = [crops.rows[i] for i in seen]
    second = np.array([int(row["second"]) for row in rows])
    at_s = np.array([float(row["at_s"]) for row in rows])
    truth, ours = crops.labels[seen].astype(np.float64), scores[seen]
    numbers = sorted(set(second.tolist()))
    luma = cv2.cvtColor(crops[untouched], cv2.COLOR_RGB2GRAY)
    is_large = crops.rows[untouched]["own_face_height"] >= MIN_FACE_HEIGHT
    return Call(
        video=str(rows[0]["video"]),
        codec=str(rows[0]["codec"]),
        is_sharp=bool(is_large and cv2.Laplacian(luma, cv2.CV_64F).var() >= MIN_SHARPNESS),
        at_s=at_s,
        truth=truth,
        scores=ours,
        smoothed=smoothed(ours, at_s),
        smoothed_truth=smoothed(truth, at_s),
        second_truth=np.array([rows[int(np.argmax(second == n))]["second_vmaf"] for n in numbers]),
        second_score=np.array([float(ours[second == n].mean()) for n in numbers]),
    )


def smoothed(raw: Floats, at_s: Floats) -> Floats:
    """Return what the server makes of a face's raw scores (n,) at capture times (n,), by default settings."""
    settings = StreamSettings(stream_id="call")
    smoother = QualitySmoother(settings.median_window, settings.time_constant_s, np.inf, 0.0)
    qualities = []
    for n, (score, time_s) in enumerate(zip(raw.tolist(), at_s.tolist(), strict=True)):
        face = FaceScore(FACE, FaceState.SCORED, score)
        quality = smoother.add(FrameScore(n, time_s, FrameResult.SCORED, (face,)), time_s).quality
        assert quality is not None  # noqa: S101 - a scored face has one
        qualities.append(quality)
    return np.array(qualities)


def lag_s(late: Floats, scores: Floats, truth: Floats, at_s: Floats) -> float:
    """Return by how much a smoothed score (n,) is behind the truth (n,), seconds.

    A line maps the truth onto the raw scores, so that only time is left to differ. Before the call the truth
    was what it was at the start.
    """
    slope, offset = np.polyfit(truth, scores, 1)
    scaled = slope * truth + offset
    errors = [float(np.mean((late - np.interp(at_s - lag, at_s, scaled)) ** 2)) for lag in LAGS_S]
    return float(LAGS_S[int(np.argmin(errors))])


def call_figures(calls: list[Call], resamples: int = 1000) -> dict[str, Any]:
    """Return every figure about calls, by name, as JSON holds it."""
    sharp = [call for call in calls if call.is_sharp]
    within = [call.srocc for call in calls]
    least = calls[int(np.argmin(within))]
    lags = np.array([lag_s(call.smoothed, call.scores, call.truth, call.at_s) for call in calls])
    own_lags = np.array([lag_s(call.smoothed_truth, call.truth, call.truth, call.at_s) for call in calls])
    return {
        "calls": len(calls),
        "videos": len({call.video for call in calls}),
        "sharp_videos": len({call.video for call in sharp}),
        "srocc_within": _mean_interval(calls, np.array(within), resamples),
        "srocc_within_sharp": _mean_interval(sharp, np.array([call.srocc for call in sharp]), resamples)
        if sharp
        else None,
        "srocc_within_by_codec": {
            codec: _mean_interval(some, np.array([call.srocc for call in some]), resamples)
            for codec in sorted({call.codec for call in calls})
            for some in [[call for call in calls if call.codec == codec]]
        },
        "srocc_within_least": round(min(within), 4),
        "least_call": f"{least.video}, {least.codec}",
        "under_0.90": sum(value < 0.90 for value in within),
        "together": _together(calls, resamples),
        "sharp_together": _together(sharp, resamples) if sharp else None,
        "lag_s": _mean_interval(calls, lags, resamples) | _reach(lags),
        "lag_of_smoothing_s": _mean_interval(calls, own_lags, resamples) | _reach(own_lags),
        "stream_interval": _stream_interval(calls),
        "sharp_stream_interval": _stream_interval(sharp) if sharp else None,
        "by_call": [
            {
                "video": call.video,
                "codec": call.codec,
                "sharp": call.is_sharp,
                "srocc": round(call.srocc, 4),
                "bias": round(float(np.mean(call.scores - call.truth)), 4),
                "lag_s": round(float(lag), 2),
            }
            for call, lag in zip(calls, lags, strict=True)
        ],
    }


def _together(calls: list[Call], resamples: int) -> dict[str, Any]:
    """Return agreement over the seconds of all calls in one heap."""
    truth, scores, videos = _seconds(calls)
    clipped = truth.clip(0, 1)

    def figures(chosen: npt.NDArray[np.intp]) -> tuple[float, ...]:
        error = scores[chosen] - clipped[chosen]
        return (
            srocc(scores[chosen], truth[chosen]),
            float(np.corrcoef(scores[chosen], clipped[chosen])[0, 1]),
            float(np.sqrt(np.mean(error**2))),
            float(error.mean()),
        )

    values = figures(np.arange(len(truth)))
    low, high = bootstrap(videos, figures, resamples)
    names = ("srocc", "plcc", "rmse", "bias")
    return {"seconds": len(truth)} | {
        name: {"value": round(v, 4), "low": round(float(a), 4), "high": round(float(b), 4)}
        for name, v, a, b in zip(names, values, low, high, strict=True)
    }


def _seconds(calls: list[Call]) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    truth = np.concatenate([call.second_truth for call in calls])
    scores = np.concatenate([call.second_score for call in calls])
    videos = np.repeat([call.video for call in calls], [len(call.second_truth) for call in calls])
    return truth, scores, videos


def _mean_interval(calls: list[Call], values: Floats, resamples: int) -> dict[str, float]:
    videos = np.array([call.video for call in calls])
    low, high = bootstrap(videos, lambda chosen: (float(values[chosen].mean()),), resamples)
    return {
        "value": round(float(values.mean()), 4),
        "low": round(float(low[0]), 4),
        "high": round(float(high[0]), 4),
    }


def _reach(values: Floats) -> dict[str, float]:
    low, high = np.percentile(values, (5, 95))
    return {"p5": round(float(low), 3), "p95": round(float(high), 3)}


def _stream_interval(calls: list[Call]) -> dict[str, Any]:
    """Return where the truth lies, given the smoothed score: beside a truth that is smoothed alike."""
    scores = np.concatenate([call.smoothed for call in calls])
    truth = np.concatenate([call.smoothed_truth for call in calls])
    videos = np.repeat([call.video for call in calls], [len(call.scores) for call in calls])
    return interval_by_score(scores, truth, videos, RANGE).as_json()
