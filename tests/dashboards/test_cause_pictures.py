"""The runbook's pictures: each is there, small, linked, and what the program makes."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from dashboards.cause_pictures.__main__ import COMMITTED, make_pictures
from dashboards.cause_pictures.layout import MAX_BYTES, small_jpeg
from facegauge_server.kinds import CauseKind

from .conftest import RUNBOOK


def test_every_cause_has_a_small_picture_in_its_section() -> None:
    """And no picture lies there that no section shows."""
    shown = re.findall(
        r"^### (\w+)\n\n!\[[^\]]{5,}\]\(causes/(\w+)\.jpg\)$", RUNBOOK.read_text(), re.MULTILINE
    )
    assert sorted(shown) == sorted((cause, cause) for cause in CauseKind)
    assert {path.name for path in COMMITTED.iterdir()} == {f"{cause}.jpg" for cause in CauseKind}
    assert all(path.stat().st_size <= MAX_BYTES for path in COMMITTED.iterdir())


def test_the_committed_pictures_are_current(tmp_path: Path) -> None:
    """The program makes them again, but for what other versions of codecs round otherwise."""
    make_pictures(tmp_path)
    for committed in COMMITTED.iterdir():
        before, now = (cv2.imread(str(path)) for path in (committed, tmp_path / committed.name))
        assert before is not None
        assert now is not None
        assert before.shape == now.shape
        assert np.abs(before.astype(float) - now).mean() < 4, committed.name


def test_what_cannot_be_small_is_refused() -> None:
    """A picture of noise is larger at any quality, and the error says what to do."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    with pytest.raises(ValueError, match="make it smaller"):
        small_jpeg(noise)
