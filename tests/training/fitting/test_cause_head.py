"""A second output trained alone: scores stay to the last digit, causes follow measurement and teacher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from click.testing import Result
from torch import nn

from facegauge_models.causes import CAUSES
from facegauge_models.students import FaceStudent
from facegauge_training.fitting.cause_head import CauseHeadOptions, fit_cause_head
from facegauge_training.fitting.checkpoint import load_trained


def test_the_head_learns_what_is_measured_and_what_is_told(tmp_path: Path) -> None:
    """Where the figures tell which cause it is, it is named, be it measured or only a teacher's word."""
    torch.manual_seed(0)
    network = FaceStudent("mobilenetv3_small_050").eval()
    first = network.head[0]
    assert isinstance(first, nn.Linear)
    figures = first.in_features
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 400)
    pooled = torch.from_numpy(rng.normal(3, 1, (400, figures)).astype(np.float32))
    pooled[:, 7] += torch.from_numpy(4.0 * kind.astype(np.float32))
    gains = np.zeros((400, len(CAUSES)), np.float32)
    gains[np.arange(400), np.where(kind == 1, CAUSES.index("noise"), CAUSES.index("blur"))] = 0.4
    told = gains.copy()
    gains[::2], told[1::2] = np.nan, np.nan
    quality = torch.full((400,), 0.5)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    options = CauseHeadOptions(tmp_path, "run", "student", "teacher", 30, 5e-3, 1)
    fit_cause_head(network, pooled, quality, gains, told, options)
    with torch.no_grad():
        causes = network.causes(pooled, quality).numpy()
    named = causes.argmax(axis=1) == np.where(kind == 1, CAUSES.index("noise"), CAUSES.index("blur"))
    assert named[::2].mean() > 0.95
    assert named[1::2].mean() > 0.95
    assert abs(causes.max(axis=1).mean() - 0.4) < 0.1
    after = network.state_dict()
    assert all(
        torch.equal(after[name], weight) for name, weight in before.items() if "cause_head" not in name
    )


def test_the_command_keeps_the_scores(
    cache: Path, done: Callable[..., str], train: Callable[..., Result], small: tuple[str, ...]
) -> None:
    """The run that it leaves scores as the one that it began with, and says so in its lineage."""
    done("teacher-outputs", "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    done("student", "--cache", cache, "--run", "mute", "--train-samples", "32", *small)
    options = ("--cache", cache, "--run", "speaks", "--start-from", "mute", "--epochs", "2", "--threads", "1")
    assert "crops, causes of" in done("cause-head", *options, "--teacher", "teacher-0")
    mute, speaks = (load_trained(cache / "runs" / run / "student.pt") for run in ("mute", "speaks"))
    pixels = torch.randint(0, 255, (2, 384, 288, 3), dtype=torch.uint8)
    with torch.no_grad():
        (quality, silent), (same, causes) = mute.network(pixels), speaks.network(pixels)
    torch.testing.assert_close(same, quality, rtol=0, atol=0)
    assert not torch.equal(causes, silent)
    assert [run.initialisation for run in speaks.provenance.lineage()] == ["mute/student.pt", "random"]
    refused = train("cause-head", *options, "--teacher", "nobody")
    assert refused.exit_code != 0
    assert "nobody" in refused.output
