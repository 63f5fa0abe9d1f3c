"""How far scores of one severity differ between faces, beside how far their labels do.

A codec at one setting costs one face more than another: labels of one step differ by themselves. A student
that saw nothing of the face and gave each step its mean label would have all of that spread as its error;
one that sees what the face had to lose has less. Pristine and anchored labels hardly differ between faces, so
that there is nothing to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.report.measured import Measured

__all__ = ["TARGET", "Step", "spread_by_step", "worst_spread"]

TARGET = 0.9
"""Times the labels' own spread, at each step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder."""

    family: str
    number: int
    """1 is the mildest."""
    error: float
    """Standard deviation over faces of score less label."""
    labels: float
    """Standard deviation of the labels."""

    @property
    def share(self) -> float:
        """The error's spread in the labels' own."""
        return self.error / self.labels if self.labels else float("inf")


def spread_by_step(measured: Measured) -> list[Step]:
    """Return the spread at each step of the families with plain labels."""
    found = []
    for family in LADDER:
        if family in ("pristine", *ANCHORED):
            continue
        for n in range(1, len(LADDER[family]) + 1):
            at = (measured.family == family) & (measured.step == n)
            if at.any():
                error = measured.scores[at] - measured.labels[at]
                found.append(Step(family, n, float(error.std()), float(measured.labels[at].std())))
    return found


def worst_spread(steps: list[Step]) -> Step:
    """Return the step with the largest share of the labels' own spread."""
    return max(steps, key=lambda step: step.share)
