"""The loss by which a student takes over what a teacher says of labelled crops.

The teacher's outputs are computed beforehand (`teacher_outputs`), so a student that learns from them costs no
more a step than one without, and may see patches: what a teacher says of a whole crop holds for its parts, as
the label does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.losses.distillation import FeatureDistillationLoss, ScoreDistillationLoss

__all__ = ["Distillation"]

Floats = npt.NDArray[np.float32]


class Distillation(torch.nn.Module):
    """The part of the loss that draws a student's scores and features to a teacher's."""

    SCORE_WEIGHT, FEATURE_WEIGHT = 10.0, 0.5
    """Weights where MSE + PLCC has 1; the first is that of the labels' squared error within it, 10 too."""
    scores: torch.Tensor
    features: torch.Tensor

    def __init__(self, scores: Floats, features: Floats, student_features: int) -> None:
        """Keep the teacher's outputs.

        Args:
            scores: of all crops, (n,), 0-1; NaN where they were not computed.
            features: of all crops, (n, teacher_features).
            student_features: how many the student has.
        """
        super().__init__()
        self.register_buffer("scores", torch.from_numpy(scores), persistent=False)
        self.register_buffer("features", torch.from_numpy(features), persistent=False)
        self.score_loss = ScoreDistillationLoss(soften=False)
        self.feature_loss = FeatureDistillationLoss(student_features, features.shape[1])

    def forward(self, rows: torch.Tensor, scores: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, over the crops that have the teacher's outputs.

        Args:
            rows: which crops these are, int64 (n,).
            scores: the student's (n,), 0-1.
            features: the student's (n, student_features).
        """
        at = rows.to(self.scores.device)
        known = ~self.scores[at].isnan()
        if not known.any():
            return scores.new_zeros(())
        at, scores, features = at[known], scores[known], features[known]
        loss: torch.Tensor = self.SCORE_WEIGHT * self.score_loss(scores, self.scores[at])
        return loss + self.FEATURE_WEIGHT * self.feature_loss(features, self.features[at])
