"""What streams show."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture
def small_portrait(astronaut: npt.NDArray[np.uint8]) -> bytes:
    """A picture with a face that costs little, since the machine has to bear all replicas."""
    picture = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1])
