from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.sources import read_picture, read_sources


def test_splits_do_not_mix(faces: Path) -> None:
    """A val photo is never among the train photos."""
    train, val = read_sources(faces, "train"), read_sources(faces, "val")
    assert len(train) == 3
    assert len(val) == 2
    assert not {s.key for s in train} & {s.key for s in val}


def test_a_missing_folder_is_told_with_the_way_out(tmp_path: Path) -> None:
    """A wrong --faces is one sentence that names the option."""
    with pytest.raises(RecipeError, match="--faces"):
        read_sources(tmp_path / "nowhere", "train")


@pytest.mark.parametrize("text", ["", "split,file\n", "split,file\ntrain,x.png\n"])
def test_an_empty_or_foreign_index_is_told(tmp_path: Path, text: str) -> None:
    """An index without rows or without columns is an error, never a training on nothing."""
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(RecipeError, match="index"):
        read_sources(tmp_path, "train")


def test_soft_and_small_faces_are_no_reference(faces: Path, tmp_path: Path) -> None:
    """A soft photo and a small face are left out."""
    header, row = (faces / "index.csv").read_text().splitlines()[:2]
    soft, small = row.replace(",200,", ",20,"), row.replace(",190,190,", ",90,90,")
    (tmp_path / "index.csv").write_text(f"{header}\n{row}\n{soft}\n{small}\n")
    assert len(read_sources(tmp_path, "train")) == 1


@pytest.mark.parametrize("content", [None, b"", b"this is no picture"])
def test_an_unreadable_picture_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or broken picture is told by its path."""
    path = tmp_path / "face.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"face\.jpg"):
        read_picture(path)
