"""A calibration maps quality to opinion scores, for the student that it was made for and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facegauge_server.calibration import Calibration, ServedModel, load_calibration
from facegauge_server.errors import BadConfiguration
from facegauge_server.types import MosEstimate

GOOD: dict[str, Any] = {
    "format": "facegauge-calibration",
    "version": 1,
    "model": {"name": "tiny", "sha256": "ab" * 32},
    "map": {"kind": "isotonic", "quality": [0.2, 0.5, 0.8], "mos": [1.5, 1.5, 4.5]},
    "interval": {"coverage": 0.95, "half_width": 0.4},
    "rated_range": [0.3, 0.7],
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "calibration.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    return path


@pytest.mark.parametrize(
    ("quality", "estimate"),
    [
        (0.5, MosEstimate(1.5, 1.1, 1.9)),
        (0.65, MosEstimate(3.0, 2.6, 3.4)),
        (0.31, MosEstimate(1.5, 1.1, 1.9)),
        (0.0, MosEstimate(1.5, 1.0, 1.9)),
        (0.8, MosEstimate(4.5, 4.1, 5.0)),
        (1.0, MosEstimate(4.5, 4.1, 5.0)),
    ],
)
def test_the_map_is_read_between_its_points(tmp_path: Path, quality: float, estimate: MosEstimate) -> None:
    """Beyond the clips that were rated the interval is open to the scale's end, on that side."""
    found = load_calibration(written(tmp_path), "ab" * 32).estimate(quality)
    assert (found.value, found.low, found.high) == pytest.approx(
        (estimate.value, estimate.low, estimate.high)
    )


def test_another_students_calibration_is_refused(tmp_path: Path) -> None:
    """Qualities of different students do not compare; the sentence says what to do."""
    with pytest.raises(
        BadConfiguration, match=r"made from qualities of tiny, sha256 abab.*has cdcd.*calibrate"
    ):
        load_calibration(written(tmp_path), "cd" * 32)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "its format is other 1"),
        ({"version": 2}, "its format is facegauge-calibration 2"),
        ({"model": {}}, "KeyError"),
        ({"map": {"quality": [0.2], "mos": [1.5]}}, "at least two points"),
        ({"map": {"quality": [0.2, 0.8], "mos": [1.5]}}, "each with a quality and a score"),
        ({"map": {"quality": [0.8, 0.2], "mos": [1.5, 4.5]}}, "qualities must rise"),
        ({"map": {"quality": [0.2, 0.2], "mos": [1.5, 4.5]}}, "qualities must rise"),
        ({"map": {"quality": [0.2, float("nan")], "mos": [1.5, 4.5]}}, "qualities must rise"),
        ({"map": {"quality": [0.2, 0.8], "mos": [4.5, 1.5]}}, "scores must never fall"),
        ({"map": {"quality": [0.2, 0.8], "mos": [0.5, 4.5]}}, "within 1 and 5"),
        ({"interval": {"half_width": -1}}, "greater than 0"),
        ({"interval": {"half_width": float("inf")}}, "greater than 0"),
        ({"rated_range": [0.3]}, "IndexError"),
        ({"rated_range": [0.7, 0.3]}, "range of rated qualities"),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    """Whatever is wrong with the file, the operator reads which file and what."""
    with pytest.raises(BadConfiguration, match=rf"calibration\.json is no calibration: .*{reason}"):
        load_calibration(written(tmp_path, **changes), "ab" * 32)


@pytest.mark.parametrize("text", ["", "[]", "null", "\x00\xff"])
def test_files_that_are_something_else(tmp_path: Path, text: str) -> None:
    """Damaged JSON, and JSON of another shape."""
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadConfiguration, match="is no calibration"):
        load_calibration(path, "ab" * 32)
    with pytest.raises(BadConfiguration, match=r"cannot read .*: No such file"):
        load_calibration(tmp_path / "elsewhere.json", "ab" * 32)


def test_without_a_calibration_there_is_no_opinion_score() -> None:
    """Nor without a quality."""
    assert ServedModel("tiny", "ab").mos(0.5) is None
    calibrated = ServedModel("tiny", "ab", Calibration((0.0, 1.0), (1.0, 5.0), 0.5, 0.0, 1.0))
    assert calibrated.mos(None) is None
    assert calibrated.mos(0.5) == MosEstimate(3.0, 2.5, 3.5)
