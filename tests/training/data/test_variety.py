from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.types import Box
from facegauge_training.data.variety import VARIETIES, vary
from tests.training.data.astronaut import FACE, read_astronaut


@pytest.mark.parametrize("kind", VARIETIES)
def test_a_variety_changes_the_picture_where_it_should(kind: str) -> None:
    """Something is drawn, the same for the same seed; a background stays behind, the rest on the face."""
    picture = read_astronaut()
    drawn, again = (vary(picture, FACE, kind, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(drawn, again)
    assert drawn.shape == picture.shape
    changed = np.abs(drawn.astype(int) - picture).max(axis=2) > (1 if kind == "soft_skin" else 8)
    inside = changed[int(FACE.y) : int(FACE.y + FACE.height), int(FACE.x) : int(FACE.x + FACE.width)]
    if kind == "virtual_background":
        assert inside[40:-40, 40:-40].mean() < 0.01
        assert changed.mean() > 0.1
    else:
        assert inside.mean() > 0.005


@pytest.mark.parametrize("kind", VARIETIES)
def test_faces_at_the_edge_are_borne(kind: str) -> None:
    """A box that reaches out of the picture is no error."""
    picture = read_astronaut()[:300, :300]
    assert (
        vary(picture, Box(-60.0, 150.0, 180.0, 200.0), kind, np.random.default_rng(0)).shape == picture.shape
    )


def test_an_unknown_variety_is_refused() -> None:
    """The error lists what there is."""
    with pytest.raises(ValueError, match="glasses"):
        vary(read_astronaut(), FACE, "moustache", np.random.default_rng(0))
