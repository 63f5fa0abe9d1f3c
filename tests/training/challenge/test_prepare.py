from __future__ import annotations

import numpy as np
import pytest

import facegauge_models
from facegauge_models.registry import HALF, Preprocessing
from facegauge_training.challenge.prepare import degrade, prepare
from facegauge_training.challenge.recipe import Augmentation

PICTURE = np.random.default_rng(0).integers(0, 256, (120, 90, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", facegauge_models.names())
def test_every_system_gets_its_input(name: str) -> None:
    """At test a picture becomes what the system was measured at; at training something of a fixed size."""
    model = facegauge_models.info(name)
    seen = prepare(PICTURE, model.test)
    native = model.test.size is None and model.test.crop is None
    assert seen.shape == (3, *((120, 90) if native else model.input_size))
    assert seen.dtype == np.float32
    sizes = {prepare(p, model.train, np.random.default_rng(1)).shape for p in (PICTURE, PICTURE[:100])}
    assert len(sizes) == 1
    assert (seen == prepare(PICTURE, model.test)).all()


def test_normalised_by_hand() -> None:
    """Red first, 0-255 to -1..1."""
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, :, 0] = 255
    seen = prepare(picture, Preprocessing(normalisation=HALF))
    assert seen[0].tolist() == [[1.0] * 4] * 4
    assert seen[1:].max() == -1


def test_padding_and_cropping_are_even() -> None:
    """A picture in the middle of a black border; or its own middle."""
    plain = Preprocessing(crop=(124, 94), pad=True, normalisation=((0, 0, 0), (1, 1, 1)))
    seen = prepare(PICTURE, plain)
    assert (seen[:, 2:122, 2:92] == PICTURE.transpose(2, 0, 1) / np.float32(255)).all()
    assert seen[:, :2].max() == seen[:, :, 92:].max() == 0
    middle = prepare(PICTURE, Preprocessing(crop=(100, 80), normalisation=((0, 0, 0), (1, 1, 1))))
    assert (middle == PICTURE[10:110, 5:85].transpose(2, 0, 1) / np.float32(255)).all()


def test_augmentation_by_seed() -> None:
    """The same seed gives the same picture, others differ; quarter turns keep the pixels of a square."""
    plain = Preprocessing(crop=(80, 80), normalisation=((0, 0, 0), (1, 1, 1)))
    how = Augmentation(flip=True, quarter_turns=True, rotation=10.0)
    first, again, other = (prepare(PICTURE, plain, np.random.default_rng(s), how) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    turned = [
        prepare(PICTURE, plain, np.random.default_rng(s), Augmentation(quarter_turns=True)) for s in range(20)
    ]
    assert len({t.tobytes() for t in turned}) == 4
    assert all(t.sum() == pytest.approx(turned[0].sum(), rel=1e-4) for t in turned)


def test_degraded_copies_lose_detail_or_gain_noise() -> None:
    """Every kind changes the picture, the more the higher its severity, and says how much."""
    for seed in range(12):
        copy, severity = degrade(PICTURE, np.random.default_rng(seed))
        assert copy.shape == PICTURE.shape
        assert 0.1 <= severity <= 1.0
        assert np.abs(copy.astype(int) - PICTURE).mean() > 1
