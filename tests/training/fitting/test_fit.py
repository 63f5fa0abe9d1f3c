"""Training on labelled crops: it resumes to the same weights, and says what is wrong."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import read_log
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.store import write_source
from facegauge_training.fitting.checkpoint import new_network
from facegauge_training.fitting.fit import fit
from facegauge_training.fitting.loader import batches, split_crops
from facegauge_training.fitting.schedule import BATCH, Schedule, parameter_groups
from facegauge_training.fitting.teacher_loss import Distillation, TeacherOutputs
from tests.training.fitting.killing import kill_at

SMALL = "mobilenetv3_small_050"
CPU = torch.device("cpu")
ROW = {"codec": "x264", "frame": 1, "face_height": 200.0}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of three sources, two measured (one of them held out) and one that a teacher labelled."""
    folder = tmp_path_factory.mktemp("train-1-round-1")
    rng = np.random.default_rng(0)
    for key in ("0010aaaaaa", "0123bbbbbb", "0020cccccc"):
        pixels = [rng.integers(0, 256, (384, 288, 3)).astype(np.uint8) for _ in range(12)]
        measured = [{"vmaf": n / 12, "gmsd": 0.1} for n in range(12)]
        if key.startswith("0020"):
            measured = [{"score": n / 12} for n in range(12)]
        rows = [{**ROW, **t, **({"labelled_by": "teacher-0@123"} if "score" in t else {})} for t in measured]
        write_source(folder, key, "invented", pixels, rows)
    return folder


@pytest.fixture(scope="module")
def crops(store: Path) -> CropSet:
    return CropSet([store])


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def train(
    crops: CropSet,
    folder: Path,
    *,
    save_every_s: float = 60.0,
    seed: int = 2,
    distillation: type[Distillation] = Distillation,
) -> FaceStudent:
    torch.set_num_threads(1)
    chosen, watch = split_crops(crops)
    schedule = Schedule(3 * BATCH, 0.67, 1e-3, seed=seed, save_every_s=save_every_s)
    network = new_network(SMALL, "random", 1)
    scores, causes, features = np.split(
        np.random.default_rng(1).random((len(crops), 15), np.float32), (1, 7), axis=1
    )
    torch.manual_seed(5)
    teacher = distillation(TeacherOutputs(scores[:, 0], causes, features), network.hidden)
    return fit(network, crops, chosen, watch, folder, schedule, CPU, teacher)


class Stuck(Distillation):
    """Never returns from the third step's loss."""

    steps = 0

    def forward(
        self, rows: torch.Tensor, scores: torch.Tensor, causes: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        if self.steps == 2:
            print("two steps done", flush=True)
            signal.pause()
        self.steps += 1
        return super().forward(rows, scores, causes, features)


KILLED = """
from pathlib import Path
from tests.training.fitting.test_fit import CropSet, Stuck, train

train(CropSet([Path({store!r})]), Path({folder!r}), save_every_s=0, distillation=Stuck)
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_killed_training_ends_with_the_same_weights(crops: CropSet, store: Path, tmp_path: Path) -> None:
    """SIGKILL in the third step: resumed, the run ends with the weights and rows of an unkilled one."""
    whole = train(crops, tmp_path / "whole").state_dict()
    script = KILLED.format(store=str(store), folder=str(tmp_path / "killed"))
    kill_at("two steps done", script)
    assert len(read_log(tmp_path / "killed" / "log.jsonl")) == 2
    resumed = train(crops, tmp_path / "killed").state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    rows = [read_log(tmp_path / name / "log.jsonl") for name in ("whole", "killed")]
    for row in (row for log in rows for row in log):
        del row["s_per_step"]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[1]] == [1, 2, 3]
    assert (tmp_path / "killed" / "curves.png").stat().st_size > 1000


def test_crops_that_changed_since_a_run_began_are_refused(
    crops: CropSet, store: Path, tmp_path: Path
) -> None:
    """A store that grew, or a label that moved, would give other weights than the run that was begun."""
    folder = tmp_path / "run"
    train(crops, folder)
    more = tmp_path / "train-1-round-2"
    more.mkdir()
    row = {**ROW, "vmaf": 0.5, "gmsd": 0.1}
    write_source(more, "0031dddddd", "invented", [np.zeros((384, 288, 3), np.uint8)] * 4, [row] * 4)
    with pytest.raises(RecipeError, match="crops to train on 24, not 28"):
        train(CropSet([store, more]), folder)
    moved = CropSet([store])
    moved.labels[-1] += 0.01
    with pytest.raises(RecipeError, match="their labels' hash"):
        train(moved, folder)


def test_a_checkpoint_of_another_network_is_refused(crops: CropSet, tmp_path: Path) -> None:
    """Another architecture's is not taken for this training's, whoever forgot to name it in the settings."""
    train(crops, tmp_path)
    chosen, watch = split_crops(crops)
    schedule = Schedule(3 * BATCH, 0.67, 1e-3, seed=2)
    other = new_network("mobilenetv3_small_075", "random", 1)
    with pytest.raises(RecipeError, match="another network"):
        fit(other, crops, chosen, watch, tmp_path, schedule, CPU)


def test_a_loss_that_is_not_finite_ends_the_training(crops: CropSet, tmp_path: Path) -> None:
    """A network that gives NaN is not trained on."""
    network = new_network(SMALL, "random", 1)
    with torch.no_grad():
        next(network.head.parameters()).fill_(float("nan"))
    chosen, watch = split_crops(crops)
    with pytest.raises(RecipeError, match="--rate"):
        fit(network, crops, chosen, watch, tmp_path, Schedule(BATCH, 1, 1e-3, 1), CPU)


def test_a_slow_backbone_learns_at_its_share_of_the_rate() -> None:
    """The groups hold every parameter once; without a share they are the two of the first version."""
    network = new_network(SMALL, "random", 1)
    groups = parameter_groups(network, None, 0.2)
    assert sorted({group["share"] for group in groups}) == [0.2, 1.0]
    assert sum(p.numel() for g in groups for p in g["params"]) == sum(p.numel() for p in network.parameters())
    assert [group["weight_decay"] for group in parameter_groups(network, None, 1.0)] == [1e-2, 0.0]


def test_the_rate_rises_and_falls() -> None:
    """A twentieth of the steps up, then half a cosine down to almost nothing."""
    schedule = Schedule(100 * BATCH, 0.5, 1e-3, 1)
    assert schedule.rate_at(0) == 1e-6
    assert schedule.rate_at(5) == pytest.approx(1e-3, rel=0.01)
    assert schedule.rate_at(99) < 1e-5


def test_sizes_grow_in_their_order() -> None:
    """Small patches, patches, whole crops, each up to its share of the steps; whole crops take the rest."""
    stages = Schedule(100 * BATCH, 0.3, 1e-3, 1, small_share=0.5).stages()
    assert [(stage.end_step, stage.patch) for stage in stages] == [(50, 1 / 3), (80, 2 / 3), (100, 1)]
    assert Schedule(100 * BATCH, 0.25, 1e-3, 1).stages()[0].end_step == 0


def test_what_a_teacher_labelled_is_marked_and_never_watched(crops: CropSet) -> None:
    """A row says who labelled it; its label is the teacher's score; batches tell which rows they hold."""
    chosen, watch = split_crops(crops)
    assert {crops.rows[i]["labelled_by"] for i in range(len(crops))} == {"vmaf", "teacher-0@123"}
    assert not crops.pseudo[watch].any()
    assert crops.labels[crops.pseudo] == pytest.approx(np.arange(12) / 12)
    batch = next(batches(crops, chosen, 4, seed=1))
    assert np.array_equal(batch.labels.numpy(), crops.labels[batch.rows.numpy()])


def test_crops_come_at_the_width_that_is_asked_for(store: Path, crops: CropSet) -> None:
    """Reduced by area, 3 wide to 4 high."""
    reduced = CropSet([store], width=192)
    assert reduced[0].shape == (256, 192, 3)
    assert reduced[0].mean() == pytest.approx(crops[0].mean(), abs=1)
