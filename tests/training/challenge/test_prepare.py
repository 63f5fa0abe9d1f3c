from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

import facegauge_models
from facegauge_models.registry import HALF, Preprocessing
from facegauge_training.challenge.prepare import prepare, prepare_mixed
from facegauge_training.challenge.recipe import Augmentation

CPU = torch.device("cpu")
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 120, 90, 3)).astype(np.uint8)
PIXELS = torch.from_numpy(PICTURES)
PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def planes(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("name", facegauge_models.names())
def test_every_system_gets_its_input(name: str) -> None:
    """At test a picture becomes what the system was measured at; at training something of a fixed size."""
    model = facegauge_models.info(name)
    seen = prepare(PIXELS, model.test)
    native = model.test.size is None and model.test.crop is None
    assert seen.shape == (3, 3, *((120, 90) if native else model.input_size))
    assert seen.dtype == torch.float32
    sizes = {prepare(p, model.train, np.random.default_rng(1)).shape for p in (PIXELS, PIXELS[:, :100])}
    assert len(sizes) == 1
    assert (seen == prepare(PIXELS, model.test)).all()


def test_normalised_by_hand() -> None:
    """Red first, 0-255 to -1..1."""
    picture = torch.zeros((1, 4, 4, 3), dtype=torch.uint8)
    picture[:, :, :, 0] = 255
    seen = prepare(picture, Preprocessing(normalisation=HALF))
    assert seen[0, 0].tolist() == [[1.0] * 4] * 4
    assert seen[0, 1:].max() == -1


def test_padding_and_cropping_are_even() -> None:
    """A picture in the middle of a black border; or its own middle."""
    seen = prepare(PIXELS, Preprocessing(crop=(124, 94), pad="black", normalisation=PLAIN))
    assert torch.allclose(seen[:, :, 2:122, 2:92], planes(PIXELS))
    assert seen[:, :, :2].max() == seen[:, :, :, 92:].max() == 0
    middle = prepare(PIXELS, Preprocessing(crop=(100, 80), normalisation=PLAIN))
    assert torch.allclose(middle, planes(PIXELS[:, 10:110, 5:85]))


def test_pictures_of_two_sizes_keep_their_order() -> None:
    """As if each had come by itself."""
    how = Preprocessing(size=(60, 60), normalisation=PLAIN)
    mixed = [PICTURES[0], PICTURES[1, :100], PICTURES[2]]
    together = prepare_mixed(mixed, how, CPU)
    for picture, seen in zip(mixed, together, strict=True):
        assert torch.allclose(seen, prepare(torch.from_numpy(picture)[None], how)[0], atol=1e-6)


def test_shrinking_is_antialiased() -> None:
    """Stripes of one pixel become grey, not stripes of another width."""
    stripes = torch.zeros((1, 64, 64, 3), dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    seen = prepare(stripes, Preprocessing(size=(24, 24), normalisation=PLAIN))
    assert seen[:, :, :, 2:-2].std() < 0.05
    assert seen.mean() == pytest.approx(0.5, abs=0.02)


def test_every_picture_is_cut_at_a_place_of_its_own() -> None:
    """Random cuts are windows of the picture, to the pixel, and differ within a batch."""
    ramp = torch.arange(120 * 90).reshape(1, 120, 90, 1).repeat(8, 1, 1, 3) % 251
    how = Preprocessing(crop=(100, 80), position="random", normalisation=PLAIN)
    seen = prepare(ramp, how, np.random.default_rng(1))
    corners = set()
    for cut in (seen[:, 0] * 255).round():
        places = [
            (y, x)
            for y in range(21)
            for x in range(11)
            if torch.equal(ramp[0, y : y + 100, x : x + 80, 0].float(), cut)
        ]
        assert places
        corners.add(places[0])
    assert len(corners) > 3


def test_a_zoomed_window_shows_no_more_border_than_it_must() -> None:
    """Where the border is black, a window lies within the picture, or has all of it."""
    white = torch.full((64, 60, 40, 3), 255, dtype=torch.uint8)
    how = Preprocessing(crop=(100, 100), pad="black", area=(0.05, 1.0), normalisation=PLAIN)
    seen = prepare(white, how, np.random.default_rng(1))
    assert seen.shape == (64, 3, 100, 100)
    filled = seen.mean(dim=(1, 2, 3))
    assert filled.max() > 0.95  # the smallest windows lie within
    assert filled.min() > 0.2  # the whole picture is 24% of its canvas


@pytest.mark.parametrize("length", [90, 31, 1])
def test_a_small_picture_is_mirrored_at_its_border(length: int) -> None:
    """As OpenCV mirrors, however far it must go on; and no zoomed window shows any black."""
    how = Preprocessing(crop=(130, 100), pad="mirror", normalisation=PLAIN)
    small = PIXELS[:, :, :length]
    seen = prepare(small, how)
    side = 100 - length
    for picture, planes_seen in zip(small.numpy(), seen, strict=True):
        wanted = cv2.copyMakeBorder(picture, 5, 5, side // 2, side - side // 2, cv2.BORDER_REFLECT_101)
        assert np.array_equal((planes_seen * 255).round().permute(1, 2, 0).numpy(), wanted)
    white = torch.full((16, 60, 40, 3), 255, dtype=torch.uint8)
    zoom = replace(how, area=(0.05, 1.0))
    assert prepare(white, zoom, np.random.default_rng(1)).min() > 0.99


def test_augmentation_by_seed() -> None:
    """The same seed gives the same pictures, others differ; quarter turns keep the pixels of a square."""
    plain = Preprocessing(crop=(80, 80), normalisation=PLAIN)
    how = Augmentation(flip=True, quarter_turns=True, rotation=10.0)
    first, again, other = (prepare(PIXELS, plain, np.random.default_rng(s), how) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    square = prepare(PIXELS[:1], plain)[0]
    turned = [
        prepare(PIXELS[:1], plain, np.random.default_rng(s), Augmentation(quarter_turns=True))[0]
        for s in range(20)
    ]
    quarters = [torch.rot90(square, k, (1, 2)) for k in range(4)]
    found = [next(k for k, quarter in enumerate(quarters) if torch.equal(quarter, t)) for t in turned]
    assert set(found) == {0, 1, 2, 3}


def test_a_rotation_turns_about_the_centre() -> None:
    """The middle stays, and a turned picture has the length of its features, also where it is not square."""
    picture = torch.zeros((1, 101, 61, 3), dtype=torch.uint8)
    picture[:, 20:81, 30] = 255  # an upright line of 61 px
    seen = prepare(
        picture, Preprocessing(normalisation=PLAIN), np.random.default_rng(3), Augmentation(rotation=30.0)
    )
    assert seen[0, 0, 48:53, 28:33].max() > 0.5
    rows, columns = torch.nonzero(seen[0, 0] > 0.3, as_tuple=True)
    length = float(((rows.max() - rows.min()) ** 2 + (columns.max() - columns.min()) ** 2) ** 0.5)
    assert length == pytest.approx(60, abs=4)
    assert int(columns.max() - columns.min()) > 3
