"""The rows that a training sees, and which of them each of its stages sees."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.recipe import Stage

__all__ = ["Data"]


@dataclass(frozen=True, slots=True)
class Data:
    """What a training sees."""

    train: Rows
    """Not held out."""
    everything: Rows
    """All rows, for stages that train on them."""
    validation: Rows
    """Held out, or some of these."""
    extra: Rows | None = None
    """Of another data set, for recipes that have one."""
    joined: Rows | None = None
    """Those to train on and the extra ones."""

    def of(self, stage: Stage) -> Rows:
        """Return the rows of a stage; one for extra rows has the others where there are none."""
        if stage.extra == "alone" and self.extra is not None:
            return self.extra
        if stage.extra == "joined" and self.joined is not None:
            return self.joined
        return self.everything if stage.all_rows else self.train
