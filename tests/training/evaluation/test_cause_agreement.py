"""How well causes are told: figures by hand on invented rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facegauge_training.data.causes import CAUSES
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.store import write_source
from facegauge_training.evaluation.cause_agreement import agreement_by_cause

BLUR, NOISE = CAUSES.index("blur"), CAUSES.index("noise")


@pytest.fixture
def crops(tmp_path: Path) -> CropSet:
    """One pristine crop, and thirty blurred ones of falling quality."""
    chains = [Chain(), *(Chain(defocus=1.0 + n) for n in range(30))]
    rows = [
        {**chain.describe(), "frame": 1, "face_height": 200.0, "vmaf": 1 - n / 40, "gmsd": 0.0}
        for n, chain in enumerate(chains)
    ]
    write_source(tmp_path, "0010aaaaaa", "invented", [np.zeros((384, 288, 3), np.uint8)] * 31, rows)
    return CropSet([tmp_path])


def test_the_truth_agrees_with_itself(crops: CropSet) -> None:
    """The measured gains as predictions: no error, every cause named first, none on a good picture."""
    figures = agreement_by_cause(crops.gains.astype(np.float64), crops)
    assert figures["cause_mae"] == 0
    assert figures["named_first"] == 1
    assert (figures["pristine_crops"], figures["pristine_with_a_cause"]) == (1, 0)
    assert figures["by_cause"].keys() == {"blur"}
    assert figures["by_cause"]["blur"]["srocc"] == 1
    assert figures["by_cause"]["blur"]["costs_most"] == 27  # the gain reaches 0.1 at the fourth step


def test_a_wrong_name_is_counted(crops: CropSet) -> None:
    """Noise everywhere: nothing is named right, and the good picture has a cause that it has not."""
    wrong = np.zeros((31, len(CAUSES)))
    wrong[:, NOISE] = 0.3
    figures = agreement_by_cause(wrong, crops)
    assert figures["named_first"] == 0
    assert figures["pristine_with_a_cause"] == 1
    assert figures["by_cause"]["blur"]["mae"] == pytest.approx(crops.gains[1:, BLUR].mean(), abs=1e-3)
