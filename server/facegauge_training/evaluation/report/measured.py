"""What a report is made from: scores and labels by crop, and figures with their intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.ladder import ANCHORED, LADDER

__all__ = ["MIN_FACES", "Estimate", "Floats", "Measured", "Names", "in_words", "interval"]

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
MIN_FACES, MIN_CROPS = 4, 24


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Crops of a ladder with their labels and the scores that the student and the baselines gave them.

    Raises:
        RecipeError: there are too few faces or crops for an interval, or all labels or scores are equal.
    """

    labels: Floats
    """(n,), 0-1."""
    scores: Floats
    """(n,), the student's, 0-1."""
    faces: Names
    """(n,), whose face it is."""
    family: Names
    """(n,), of the ladder."""
    step: npt.NDArray[np.int_]
    """(n,), 0 for pristine, then 1 the mildest."""
    baselines: dict[str, Floats] = field(default_factory=dict)
    """Name -> (n,), on any scale, better the higher."""

    def __post_init__(self) -> None:
        found, crops = len(set(self.faces)), len(self.labels)
        if found < MIN_FACES or crops < MIN_CROPS:
            raise RecipeError(
                f"{found} faces in {crops} crops of the ladder are too few for a report: at least "
                f"{MIN_FACES} faces and {MIN_CROPS} crops; build more: `facegauge-train ladder`."
            )
        for name, values in {"labels": self.labels, "scores": self.scores, **self.baselines}.items():
            if not np.isfinite(values).all() or np.ptp(values) == 0:
                raise RecipeError(f"The {name} are all equal or not finite: nothing can be said of them.")

    @property
    def plain(self) -> npt.NDArray[np.bool_]:
        """Crops (n,) whose label is plain VMAF/100: neither noise nor darkness."""
        return ~np.isin(self.family, ANCHORED)

    @property
    def methods(self) -> dict[str, Floats]:
        """The student's scores, as "student", and then the baselines'."""
        return {"student": self.scores, **self.baselines}

    def chosen(self, where: npt.NDArray[np.bool_]) -> Measured:
        """Return some of the crops alone."""
        baselines = {name: scores[where] for name, scores in self.baselines.items()}
        parts = (self.labels[where], self.scores[where], self.faces[where], self.family[where])
        return Measured(*parts, self.step[where], baselines)

    def describe(self, i: int) -> str:
        """Return what was done to a crop, in a few words."""
        family = str(self.family[i])
        if family == "pristine":
            return family
        chain = LADDER[family][int(self.step[i]) - 1]
        units = {
            "x264": f"x264 CRF {chain.quality}",
            "vp9": f"VP9 q {chain.quality}",
            "defocus": f"defocus {chain.defocus:g} px",
            "lines": f"{chain.lines} lines",
            "noise": f"noise {chain.noise:g}",
            "darkness": f"{chain.stops:g} stops",
        }
        return units[family]


def interval(value: float, drawn: list[float] | Floats) -> Estimate:
    """Return a figure with the 95% interval of its resamples; those without a value are left out."""
    finite = np.asarray(drawn, np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(finite, (2.5, 97.5))
    return Estimate(value, float(low), float(high))


def in_words(estimate: Estimate, signed: bool = False) -> str:
    """Return a figure with its interval, as in "0.922 (0.906 to 0.934)"."""
    form = "{:+.3f}" if signed else "{:.3f}"
    if not np.isfinite(estimate.low):
        return form.format(estimate.value)
    return f"{form} ({form} to {form})".format(estimate.value, estimate.low, estimate.high)
