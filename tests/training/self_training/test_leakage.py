"""Nothing of the val split, or that looks like it, is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.data.sources import read_sources
from facegauge_training.self_training.leakage import ALIKE, Unseen
from facegauge_training.self_training.unlabelled import film_photo


def test_val_photos_are_known_again(natural_faces: Path) -> None:
    """A scaled, recoded copy is near the val split, another picture is far; val's sources are refused."""
    unseen = Unseen(natural_faces)
    by_name = {source.path.name: source for source in read_sources(natural_faces, "natural", pristine=False)}
    rng = np.random.default_rng(0)
    stolen, soft = (film_photo(by_name[name], rng) for name in ("stolen.jpg", "soft.png"))
    assert unseen.distance(stolen.crop) <= ALIKE < unseen.distance(soft.crop)
    assert unseen.refuses(film_photo(read_sources(natural_faces, "val")[1], rng))
