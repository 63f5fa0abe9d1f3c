"""Stems that take a picture patch by patch start as a discrete cosine transform."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from facegauge_models.cosine_stem import (  # noqa: E402
    DETAIL_GAIN,
    LAYER_SCALE,
    LEVEL_GAIN,
    patch_stem,
    start_as_cosines,
)
from facegauge_models.students import FaceStudent  # noqa: E402


def test_only_a_stem_of_patches_is_found() -> None:
    """EdgeNeXt's stem takes 4x4 patches; MobileNet's convolution overlaps and is left alone."""
    stem = patch_stem(FaceStudent("edgenext_xx_small").backbone)
    assert stem is not None
    assert stem.kernel_size == stem.stride == (4, 4)
    assert patch_stem(FaceStudent("mobilenetv3_small_100").backbone) is None


def test_grey_patches_keep_their_energy_in_the_luma_filters() -> None:
    """The sixteen filters of luma are orthonormal, but for the level that is turned down and the gain."""
    stem = torch.nn.Conv2d(3, 24, 4, 4)
    start_as_cosines(stem)
    grey = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    given = stem(grey.expand(1, 3, 4, 4)).detach().flatten()
    level, detail = given[0] / LEVEL_GAIN, given[1:16] / DETAIL_GAIN
    assert float(level**2 + (detail**2).sum()) == pytest.approx(float((grey**2).sum()), rel=1e-3)
    assert float(level) == pytest.approx(float(grey.mean()) * 4, rel=1e-3)
    assert float(given[16:].abs().max()) < 0.02  # no colour in grey, but for the standard's rounding


def test_a_flat_patch_has_no_detail() -> None:
    """Whatever its colour, a flat patch speaks in the three filters of level alone."""
    stem = torch.nn.Conv2d(3, 24, 4, 4)
    start_as_cosines(stem)
    given = stem(torch.tensor([0.9, 0.2, 0.4])[None, :, None, None].expand(1, 3, 4, 4)).detach().flatten()
    assert set(torch.nonzero(given.abs() > 1e-5).flatten().tolist()) == {0, 16, 17}


def test_few_filters_get_the_lowest_waves() -> None:
    """A stem with fewer filters than a patch has pixels leaves out the finest waves."""
    stem = torch.nn.Conv2d(3, 5, 4, 4, bias=False)
    start_as_cosines(stem)
    ramp = torch.linspace(-1, 1, 4).expand(1, 3, 4, 4)
    given = stem(ramp).detach().flatten().abs()
    assert int(given.argmax()) in {1, 2}


def test_a_student_of_patches_is_normalised_over_the_batch() -> None:
    """EdgeNeXt's layer scales are awake and its pooled figures normalised; MobileNet's stay as they were."""
    student = FaceStudent("edgenext_xx_small")
    scales = [p for n, p in student.backbone.named_parameters() if n.rpartition(".")[2].startswith("gamma")]
    assert scales
    assert all(torch.all(scale == LAYER_SCALE) for scale in scales)
    assert isinstance(student.norm, torch.nn.BatchNorm1d)
    assert not [name for name in FaceStudent("mobilenetv3_small_100").state_dict() if name.startswith("norm")]
