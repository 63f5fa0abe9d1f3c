"""What a teacher says of labelled crops, and the loss by which a student takes it over.

`python -m facegauge_training.fitting.teacher_outputs` asks the teacher once a crop and keeps its score and features on disk,
a file a source beside the stores. A student that learns from them costs no more a step than one without, and
may see patches: what a teacher says of a whole crop holds for its parts, as the label does.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.losses.distillation import FeatureDistillationLoss, ScoreDistillationLoss

__all__ = ["Distillation", "answer_path", "read_answers"]

Floats = npt.NDArray[np.float32]


def answer_path(cache: Path, teacher: str, row: dict[str, Any]) -> Path:
    """Return where a teacher's answers on the source of a crop's row are: float16 (crops, 1 + features)."""
    return cache / "answers" / teacher / str(row["store"]) / f"{row['key']}.npy"


def read_answers(cache: Path, teacher: str, crops: CropSet) -> tuple[Floats, Floats]:
    """Return a teacher's scores (n,) and features (n, features) of all crops, NaN where it was not asked.

    Args:
        cache: with the stores and the answers.
        teacher: its name and fingerprint, `RUN@HASH`.
        crops: all of some stores.

    Raises:
        RecipeError: it was asked about none of them, or about others.
    """
    places = groupby(range(len(crops)), lambda i: answer_path(cache, teacher, crops.rows[i]))
    found = [(path, list(numbers), np.load(path)) for path, numbers in places if path.is_file()]
    if not found:
        raise RecipeError(
            f"{teacher} was never asked about these crops: run `python -m facegauge_training.fitting.teacher_outputs "
            f"--teacher {teacher.split('@')[0]}` first."
        )
    answers = np.full((len(crops), found[0][2].shape[1]), np.nan, np.float32)
    for path, numbers, part in found:
        if len(part) != len(numbers):
            raise RecipeError(
                f"{path} has answers about {len(part)} crops, the store holds {len(numbers)}: delete "
                f"{cache / 'answers' / teacher} and run `python -m facegauge_training.fitting.teacher_outputs` again."
            )
        answers[numbers] = part
    return answers[:, 0], answers[:, 1:]


class Distillation(torch.nn.Module):
    """Scores and features of a teacher, met by a student's: a part of the loss."""

    SCORE_WEIGHT, FEATURE_WEIGHT = 10.0, 0.5
    """Beside MSE + PLCC: the first as the squared error of the labels, whose weight is 10 too."""
    scores: torch.Tensor
    features: torch.Tensor

    def __init__(self, scores: Floats, features: Floats, student_features: int) -> None:
        """Keep what the teacher says.

        Args:
            scores: of all crops (n,), 0-1; NaN where the teacher was not asked.
            features: of all crops (n, teacher_features).
            student_features: how many the student has.
        """
        super().__init__()
        self.register_buffer("scores", torch.from_numpy(scores), persistent=False)
        self.register_buffer("features", torch.from_numpy(features), persistent=False)
        self.score_loss = ScoreDistillationLoss(soften=False)
        self.feature_loss = FeatureDistillationLoss(student_features, features.shape[1])

    def forward(self, rows: torch.Tensor, scores: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar: of the crops that the teacher was asked about.

        Args:
            rows: which crops these are, int64 (n,).
            scores: the student's (n,), 0-1.
            features: the student's (n, student_features).
        """
        at = rows.to(self.scores.device)
        asked = ~self.scores[at].isnan()
        if not asked.any():
            return scores.new_zeros(())
        at, scores, features = at[asked], scores[asked], features[asked]
        loss: torch.Tensor = self.SCORE_WEIGHT * self.score_loss(scores, self.scores[at])
        return loss + self.FEATURE_WEIGHT * self.feature_loss(features, self.features[at])
