"""How far the name of a cause can be relied on: shares and costs by hand on invented rows."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.data.causes import CAUSES
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.store import write_source
from facegauge_training.evaluation.cause_reliability import cause_reliability

BLUR, NOISE = CAUSES.index("blur"), CAUSES.index("noise")
STEPS = 30


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> CropSet:
    """Four faces, each pristine and at thirty steps of blur that cost 0.02 and more."""
    folder = tmp_path_factory.mktemp("blurred")
    chains = [Chain(), *(Chain(defocus=1.0 + n) for n in range(STEPS))]
    rows = [
        {**chain.describe(), "frame": 1, "face_height": 200.0, "vmaf": 1 - n / 50, "gmsd": 0.0}
        for n, chain in enumerate(chains)
    ]
    for face in range(4):
        pictures = [np.zeros((384, 288, 3), np.uint8)] * len(rows)
        write_source(folder, f"{face:04d}", "invented", pictures, rows)
    return CropSet([folder])


def test_the_truth_can_be_relied_on(crops: CropSet) -> None:
    """Every name right, every cost what it says, nothing named where nothing is wrong."""
    figures = cause_reliability(crops.gains.astype(np.float64), crops, resamples=20)
    assert figures["named"]["right"] == {"value": 1, "low": 1, "high": 1}
    assert figures["named"]["crops"] == figures["by_cause"]["blur"]["crops"] == 4 * (STEPS - 4)
    assert figures["calibration_error"] == pytest.approx(0, abs=1e-6)
    assert figures["harmless_named"] == 0
    assert figures["by_cause"]["noise"] == {"crops": 0}


def test_costs_that_promise_too_much_are_seen(crops: CropSet) -> None:
    """Half as much again as is true: the names hold, and a third of what is named would not come back."""
    figures = cause_reliability(1.5 * crops.gains.astype(np.float64), crops, resamples=20)
    named = figures["named"]
    assert named["right"]["value"] == 1
    assert named["measured_cost"]["value"] == pytest.approx(named["named_cost"] / 1.5, abs=1e-3)
    assert figures["calibration_error"] > 0.1


def test_names_that_are_a_toss_up_show_as_unsure(crops: CropSet) -> None:
    """Noise named by a hair on half of the crops: wrong where the second is close behind, right elsewhere."""
    said = crops.gains.astype(np.float64)
    doubtful = np.arange(len(said)) % 2 == 0
    said[doubtful, NOISE] = said[doubtful, BLUR] + 0.01
    figures = cause_reliability(said, crops, resamples=20)
    close, *_, far = (line for line in figures["by_lead"] if "right" in line)
    assert close["right"]["value"] == 0
    assert far["right"]["value"] == 1
    assert figures["by_cause"]["noise"]["right"]["value"] == 0
