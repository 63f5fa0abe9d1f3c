"""Each baseline tells a sharp picture from a ruined one, at any size, and gives a number for anything."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.codecs import transcode
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.baselines import run
from facegauge_training.evaluation.baselines.ffmpeg import filtered
from facegauge_training.evaluation.baselines.kinds import Baseline

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def face() -> Picture:
    """The face of the NASA portrait, 288x384."""
    portrait = np.asarray(data.astronaut(), np.uint8)[0:256, 128:320]
    return cv2.resize(portrait, (288, 384), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.fixture(params=run.BASELINES, ids=lambda baseline: baseline.name)
def baseline(request: pytest.FixtureRequest) -> Baseline:
    chosen: Baseline = request.param
    if chosen.missing:
        pytest.skip(chosen.missing)
    return chosen


def blurred(face: Picture) -> Picture:
    return cv2.GaussianBlur(face, (0, 0), 4).astype(np.uint8)


def blocky(face: Picture) -> Picture:
    """Averages of 8x8 pixels: what is left of a block that is coded with its mean alone."""
    small = cv2.resize(face, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (face.shape[1], face.shape[0]), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def test_a_sharp_picture_is_better_than_a_ruined_one(baseline: Baseline, face: Picture) -> None:
    """Blurred, or in blocks for the one that looks for blocks."""
    ruined = blocky(face) if baseline.name == "blockdetect" else blurred(face)
    scores = baseline.measure([face, ruined])
    assert scores.dtype == np.float64
    assert scores[0] > scores[1]


def test_what_coding_takes_is_seen_by_some(face: Picture) -> None:
    """A face at x264's CRF 47 is worse than at 18 to the measures of sharpness."""
    good, bad = (transcode([face] * 3, "x264", crf)[1] for crf in (18, 47))
    for chosen in run.BASELINES:
        if not chosen.missing and chosen.name in ("laplacian", "brisque", "blurdetect"):
            scores = chosen.measure([good, bad])
            assert scores[0] > scores[1], chosen.name


def test_a_picture_without_texture_has_a_score_too(baseline: Baseline, face: Picture) -> None:
    """Flat grey and black: no NaN, and no better than the face."""
    grey = np.full_like(face, 128)
    scores = baseline.measure([face, grey, np.zeros_like(face)])
    assert np.isfinite(scores).all()
    assert (scores[0] > scores[1:]).all()


def test_odd_sizes_and_mixed_ones_keep_their_order(baseline: Baseline, face: Picture) -> None:
    """Each picture's score is the one it has alone; a pixel more or less does not matter much."""
    pictures = [face, face[:-1, :-1].copy(), face[1:, :].copy(), face]
    together = baseline.measure(pictures)
    assert together == pytest.approx([baseline.measure([picture])[0] for picture in pictures])
    assert together[0] == together[3]
    assert together[1] == pytest.approx(together[0], rel=0.2, abs=2)


def test_a_filter_that_ffmpeg_does_not_have_is_told(face: Picture) -> None:
    with pytest.raises(RecipeError, match="nosuchfilter"):
        filtered([face], "nosuchfilter", "lavfi.blur")


def test_no_pictures_have_no_scores() -> None:
    assert filtered([], "blurdetect", "lavfi.blur").shape == (0,)


def test_scores_are_measured_once(face: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run reads them; other crops, or none of the package, do not."""
    calls: list[int] = []

    def measure(pictures: object) -> npt.NDArray[np.float64]:
        calls.append(len(list(pictures)))  # type: ignore[call-overload]
        return np.arange(calls[-1], dtype=np.float64)

    there = Baseline("there", "there", "", "", measure)
    gone = Baseline("gone", "gone", "", "", measure, "no_such_module", "no-such-package")
    monkeypatch.setattr(run, "BASELINES", (there, gone))
    store = tmp_path / "store"
    store.mkdir()
    rows = [{"vmaf": 0.9, "gmsd": 0.0}, {"vmaf": 0.4, "gmsd": 0.1}]
    np.save(store / "aa.npy", np.stack([face, blurred(face)]))
    (store / "aa.json").write_text(json.dumps({"source": "invented", "crops": rows}))
    for _ in range(2):
        assert run.run_baselines(CropSet([store]), tmp_path) == {"there": pytest.approx([0, 1])}
    assert calls == [2]
    np.save(store / "aa.npy", np.stack([face, face]))
    run.run_baselines(CropSet([store]), tmp_path)
    assert calls == [2, 2]
    assert "no-such-package" in gone.missing
