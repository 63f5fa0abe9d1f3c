"""The calibration file: JSON, read by `facegauge-server --calibration`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from facegauge_client.calibration.fit import COVERAGE, Fit
from facegauge_client.calibration.ratings import RatedClip
from facegauge_client.sdk.types import Model

__all__ = ["calibration_text"]

FORMAT, VERSION = "facegauge-calibration", 1


def calibration_text(fit: Fit, clips: Sequence[RatedClip], model: Model, made: datetime) -> str:
    """Return the file's text.

    Args:
        fit: the map.
        clips: that it was fitted to.
        model: the student that gave the clips' qualities, the only one that the map holds for.
        made: when.
    """
    raters = {rater for clip in clips for rater in clip.by_rater}
    calibration = {
        "format": FORMAT,
        "version": VERSION,
        "made": made.isoformat(timespec="seconds"),
        "model": model.to_dict(),
        "map": {"kind": fit.kind, "quality": fit.quality, "mos": fit.mos},
        "interval": {"coverage": COVERAGE, "half_width": fit.half_width},
        "rated_range": fit.rated_range,
        "ratings": {
            "clips": len(clips),
            "votes": sum(len(clip.votes) for clip in clips),
            **({"raters": len(raters)} if raters else {}),
        },
        "cross_validation": {"folds": fit.folds, "rmse": fit.rmse, "srocc": fit.srocc},
    }
    return json.dumps(calibration, indent=1) + "\n"
