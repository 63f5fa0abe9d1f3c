"""Views: of the asked size, the same from the same seed, the second one degraded."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from facegauge_server.types import Box
from facegauge_training.pretraining.views import CROPS, PATCHES, ViewKind, degrade, draw_pair

FACE = Box(169, 71, 112, 112)


@pytest.mark.parametrize("kind", [PATCHES, CROPS], ids=lambda kind: kind.name)
def test_views_have_their_size_and_depend_on_the_seed_alone(kind: ViewKind) -> None:
    """Twenty pairs: every one of the kind's size, equal for an equal seed, and the two views differ."""
    picture = skimage.data.astronaut()
    for seed in range(20):
        first, second = draw_pair(picture, FACE, kind, np.random.default_rng(seed))
        again = draw_pair(picture, FACE, kind, np.random.default_rng(seed))
        assert first.shape == second.shape == (kind.height, kind.width, 3)
        assert first.dtype == second.dtype == np.uint8
        assert np.array_equal(first, again[0])
        assert np.array_equal(second, again[1])
        assert not np.array_equal(first, second)


@pytest.mark.parametrize("kind", [PATCHES, CROPS], ids=lambda kind: kind.name)
@pytest.mark.parametrize("size", [(60, 200), (200, 40), (33, 33)])
def test_a_photo_smaller_than_a_view_is_enough(kind: ViewKind, size: tuple[int, int]) -> None:
    """What is missing beyond its edges is filled; nothing fails."""
    picture = skimage.data.astronaut()[: size[0], : size[1]]
    for seed in range(8):
        views = draw_pair(picture, Box(2, 2, 28, 28), kind, np.random.default_rng(seed))
        assert all(view.shape == (kind.height, kind.width, 3) for view in views)


def test_every_defect_can_be_drawn_and_changes_the_view() -> None:
    """All six at once leave a picture of the same size that is another."""
    view = np.ascontiguousarray(skimage.data.astronaut()[60:188, 160:256])
    spoilt = degrade(view, 6, np.random.default_rng(1))
    assert spoilt.shape == view.shape
    assert np.abs(spoilt.astype(int) - view).mean() > 2
