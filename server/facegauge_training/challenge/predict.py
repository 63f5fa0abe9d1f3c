"""Score pictures with a network as its system tests, in batches of one size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.prepare import by_size, prepare

__all__ = ["predict_pictures", "rows_as_tested"]

BATCH = 32


def rows_as_tested(
    rows: Rows, numbers: range, how: Preprocessing, device: torch.device, draw: int | None = None
) -> list[tuple[list[int], torch.Tensor]]:
    """Return the inputs of some rows as a system tests, by their size.

    Args:
        rows: pictures.
        numbers: of those asked for.
        how: the system's preprocessing.
        device: to compute on.
        draw: cut patches at random, by this seed, instead of at the centre.
    """
    stacks = by_size([rows[i] for i in numbers])
    return [
        (
            [numbers[n] for n in places],
            prepare(
                torch.from_numpy(stack).to(device),
                how,
                None if draw is None else np.random.default_rng([draw, numbers[places[0]]]),
            ),
        )
        for places, stack in stacks
    ]


@torch.no_grad()
def predict_pictures(
    network: torch.nn.Module,
    how: Preprocessing,
    rows: Rows,
    device: torch.device,
) -> npt.NDArray[np.float64]:
    """Return a network's scores (n,), in float32, as its system tests.

    Args:
        network: of the system.
        how: its preprocessing at test.
        rows: pictures.
        device: to compute on.
    """
    network.eval()
    scores = np.zeros(len(rows))
    for at in range(0, len(rows), BATCH):
        for numbers, inputs in rows_as_tested(rows, range(at, min(at + BATCH, len(rows))), how, device):
            scores[numbers] = network(inputs).float().cpu().numpy()
    return scores
