"""Pictures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

ALONE = ("end_to_end", "fleet", "real_calls", "under_fire")
"""Folders of tests that have the machine to themselves: .ci/run names them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that have slow tests: at the end none of them keeps one worker while others idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        if item.get_closest_marker("alone") or item.get_closest_marker("siege"):
            assert item.path.parent.name in ALONE, f"CI would not run {item.nodeid}: see .ci/run"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of research data (faces, videos), which no stranger's clone has: skips without it."""
    default = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("FACEGAUGE_SHARED", default))
    if not (folder / "faces" / "index.csv").is_file():
        pytest.skip(f"needs the research data in {folder}: set FACEGAUGE_SHARED to where it is")
    return folder


@pytest.fixture(autouse=True)
def no_real_time_priority() -> Iterator[None]:
    """Name the test that leaves the process at another scheduling: later ones would starve their servers."""
    before = os.sched_getscheduler(0)
    yield
    assert os.sched_getscheduler(0) == before, "an encoder has changed the scheduling: see tamed_svt_av1"


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """The NASA portrait of scikit-image: RGB, uint8, (512, 512, 3), with one face of 95 px."""
    from skimage import data

    picture: npt.NDArray[np.uint8] = data.astronaut()
    return picture


@pytest.fixture(scope="session")
def portrait_jpeg(astronaut: npt.NDArray[np.uint8]) -> bytes:
    """The portrait at one and a half times its size, so that the face is no small one, as JPEG."""
    enlarged = cv2.resize(astronaut, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(enlarged, cv2.COLOR_RGB2BGR))
    assert encoded
    return data.tobytes()


@pytest.fixture(scope="session")
def collapsed_jpeg(portrait_jpeg: bytes) -> bytes:
    """The portrait as a call shows it whose bitrate is gone: a quarter of its lines, JPEG quality 10."""
    sharp = cv2.imdecode(np.frombuffer(portrait_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert sharp is not None
    small = cv2.resize(sharp, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    sent = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_COLOR)
    assert sent is not None
    shown = cv2.resize(sent, (sharp.shape[1], sharp.shape[0]), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", shown)[1].tobytes()
