"""Calls that get worse: agreement and lag of students whose faults are known."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.stream_settings import StreamSettings
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.calls import call_figures, calls_of, lag_s, smoothed

from .invented_calls import TRUTH, invent_calls

VIDEOS, SOFT = 4, 1


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> CropSet:
    folder = tmp_path_factory.mktemp("clips-1")
    invent_calls(folder, VIDEOS, SOFT)
    return CropSet([folder])


def test_a_perfect_student_lags_by_its_smoothing_alone(crops: CropSet) -> None:
    """It agrees fully, within calls and together; what is late is what the settings make late."""
    figures = call_figures(calls_of(crops.labels.astype(np.float64), crops), resamples=20)
    assert (figures["calls"], figures["videos"], figures["sharp_videos"]) == (8, VIDEOS, VIDEOS - SOFT)
    assert figures["srocc_within"]["value"] == figures["srocc_within_least"] == 1
    assert figures["sharp_together"]["srocc"]["value"] == pytest.approx(1)
    assert figures["sharp_together"]["rmse"]["value"] == pytest.approx(0, abs=1e-6)
    assert figures["lag_s"] == figures["lag_of_smoothing_s"]
    assert figures["lag_s"]["value"] > 0.5
    assert all(abs(line["low"]) < 1e-6 for line in figures["stream_interval"]["ranges"])


def test_the_worst_call_is_named(crops: CropSet) -> None:
    """One call scored upside down: it is the least, and the mean says so too."""
    wrong = np.array([row["key"] == "0001aa-vp8" for row in crops.rows])
    scores = np.where(wrong, 1 - crops.labels, crops.labels).astype(np.float64)
    figures = call_figures(calls_of(scores, crops), resamples=20)
    assert figures["srocc_within_least"] == -1
    assert figures["least_call"] == "1.mp4, vp8"
    assert figures["under_0.90"] == 1
    assert figures["srocc_within"]["value"] == pytest.approx(6 / 8)


def test_a_soft_video_does_not_count_as_sharp(crops: CropSet) -> None:
    """A student that calls the soft face bad throughout agrees over sharp videos, and less over all."""
    soft = np.array([row["video"] == f"{VIDEOS - 1}.mp4" for row in crops.rows])
    scores = crops.labels.astype(np.float64) * np.where(soft, 0.3, 1.0)
    figures = call_figures(calls_of(scores, crops), resamples=20)
    assert figures["sharp_together"]["srocc"]["value"] == pytest.approx(1)
    assert figures["together"]["srocc"]["value"] < 0.95
    assert figures["srocc_within"]["value"] == 1


def test_a_delay_is_found_whatever_the_scale_of_the_score() -> None:
    """A score that is the truth of a second and a half ago, at half its range."""
    at_s = np.arange(0, 8, 0.2)
    truth = np.interp(at_s, np.arange(len(TRUTH)), TRUTH)
    scores = 0.5 * truth + 0.2
    late = np.interp(at_s - 1.5, at_s, scores)
    assert lag_s(late, scores, truth, at_s) == pytest.approx(1.5, abs=0.051)
    assert lag_s(scores, scores, truth, at_s) == 0


def test_smoothing_is_the_servers() -> None:
    """After a step, an average of the default time constant has gone 1 - 1/e of the way within it."""
    settings = StreamSettings(stream_id="call")
    at_s = np.arange(0, 40, 0.04)
    late = smoothed(np.where(at_s < 10, 1.0, 0.0), at_s)
    median_s = 0.04 * (settings.median_window // 2)
    reached = late[np.searchsorted(at_s, 10 + settings.time_constant_s + median_s)]
    assert late[0] == 1
    assert reached == pytest.approx(np.exp(-1), abs=0.02)
