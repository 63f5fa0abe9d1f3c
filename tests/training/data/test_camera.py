from __future__ import annotations

import cv2
import numpy as np
import pytest

from facegauge_training.data.camera import add_sensor_noise, denoise, sharpen, smooth_skin
from facegauge_training.data.full_reference import gmsd
from tests.training.data.astronaut import read_astronaut


def test_noise_is_strongest_in_the_shadows() -> None:
    """At middle grey luma deviates by sigma; darker is noisier, brighter less; every frame differs."""
    deviations = []
    for code in (40, 128, 220):
        grey = [np.full((240, 320, 3), code, np.uint8)] * 2
        noisy = add_sensor_noise(grey, 8.0, np.random.default_rng(1))
        deviations.append(float(cv2.cvtColor(noisy[0], cv2.COLOR_RGB2GRAY).std()))
        assert not np.array_equal(noisy[0], noisy[1])
    assert deviations[0] > deviations[1] > deviations[2]
    assert deviations[1] == pytest.approx(8.0, rel=0.15)


def test_chroma_noise_is_coarser_than_luma_noise() -> None:
    """Neighbouring pixels share chroma noise and do not share luma noise."""
    noisy = add_sensor_noise([np.full((240, 320, 3), 128, np.uint8)], 12.0, np.random.default_rng(1))[0]
    planes = cv2.cvtColor(noisy, cv2.COLOR_RGB2YCrCb).astype(float)

    def likeness(plane: np.ndarray) -> float:
        return float(np.corrcoef(plane[:, :-2].ravel(), plane[:, 2:].ravel())[0, 1])

    assert likeness(planes[:, :, 1]) > likeness(planes[:, :, 0]) + 0.2


def test_denoising_brings_noise_down() -> None:
    """What is left after denoising is nearer to the picture than before."""
    clean = [read_astronaut()[:400, :400]] * 3
    noisy = add_sensor_noise(clean, 10.0, np.random.default_rng(1))
    assert cv2.PSNR(denoise(noisy, 10.0)[2], clean[2]) > cv2.PSNR(noisy[2], clean[2]) + 1


def test_filters_change_what_they_should() -> None:
    """Sharpening adds contrast at edges; smoothing takes skin's texture and leaves edges."""
    face = np.ascontiguousarray(read_astronaut()[112:302, 292:470])
    edges = cv2.Laplacian(face, cv2.CV_32F).var()
    assert cv2.Laplacian(sharpen([face], 1.0)[0], cv2.CV_32F).var() > 1.5 * edges
    soft = smooth_skin([face], 1.0)[0]
    assert cv2.Laplacian(soft, cv2.CV_32F).var() < edges
    blurred = np.asarray(cv2.GaussianBlur(face, (0, 0), 3), np.uint8)
    assert gmsd(soft, face) < gmsd(blurred, face) / 2
