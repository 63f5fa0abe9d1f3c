"""The loss by which a student takes over what a teacher says of labelled crops.

The teacher's outputs are computed beforehand (`teacher_outputs`), so a student that learns from them costs no
more a step than one without, and may see patches: what a teacher says of a whole crop holds for its parts, as
the label does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.losses.distillation import FeatureDistillationLoss, ScoreDistillationLoss

__all__ = ["Distillation", "TeacherOutputs"]

Floats = npt.NDArray[np.float32]


class TeacherOutputs(NamedTuple):
    """What a teacher says of all n crops, NaN where it was not asked."""

    scores: Floats
    """(n,), 0-1."""
    causes: Floats
    """(n, 6), 0-1."""
    features: Floats
    """(n, features)."""


class Distillation(torch.nn.Module):
    """The part of the loss that draws a student's scores, causes and features to a teacher's."""

    SCORE_WEIGHT, CAUSE_WEIGHT, FEATURE_WEIGHT = 10.0, 10.0, 0.5
    """Weights where MSE + PLCC has 1; the first two are those of the labels' squared errors, 10 too."""
    scores: torch.Tensor
    causes: torch.Tensor
    features: torch.Tensor

    def __init__(self, outputs: TeacherOutputs, student_features: int) -> None:
        """Keep the teacher's outputs.

        Args:
            outputs: of all crops.
            student_features: how many the student has.
        """
        super().__init__()
        for name, array in zip(outputs._fields, outputs, strict=True):
            self.register_buffer(name, torch.from_numpy(array), persistent=False)
        self.score_loss = ScoreDistillationLoss(soften=False)
        self.feature_loss = FeatureDistillationLoss(student_features, outputs.features.shape[1])

    def forward(
        self, rows: torch.Tensor, scores: torch.Tensor, causes: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss, a scalar, over the crops that have the teacher's outputs.

        Args:
            rows: which crops these are, int64 (n,).
            scores: the student's (n,), 0-1.
            causes: the student's (n, causes), 0-1.
            features: the student's (n, student_features).
        """
        at = rows.to(self.scores.device)
        known = ~self.scores[at].isnan()
        if not known.any():
            return scores.new_zeros(())
        at, scores, causes, features = at[known], scores[known], causes[known], features[known]
        loss: torch.Tensor = self.SCORE_WEIGHT * self.score_loss(scores, self.scores[at])
        loss = loss + self.CAUSE_WEIGHT * (causes - self.causes[at]).square().sum(dim=1).mean()
        return loss + self.FEATURE_WEIGHT * self.feature_loss(features, self.features[at])
