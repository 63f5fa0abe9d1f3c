"""The loop that trains everything: what it keeps on disk, and which runs it refuses to resume."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.loop import train
from facegauge_training.common.run_files import lock_run, read_log
from tests.training.fitting.killing import kill_at

CPU = torch.device("cpu")


class Line:
    """Learns a line; with dropout, so that torch's random state matters."""

    name = "line"
    advice = "give a lower --rate"

    def __init__(self, steps: int = 6, stops_after: int | None = None) -> None:
        torch.manual_seed(1)
        self.network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 0.05)
        self.step, self.total_steps, self.stops_after = 0, steps, stops_after

    @property
    def clipped(self) -> list[Iterator[nn.Parameter]]:
        return [self.network.parameters()]

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def batches(self) -> Iterator[torch.Tensor]:
        while self.step < self.total_steps:
            if self.step == self.stops_after:
                raise KeyboardInterrupt
            yield torch.randn(5, 4, generator=torch.Generator().manual_seed(self.step))

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = (self.network(batch)[:, 0] - batch.sum(dim=1)).square().mean()
        return loss

    def advance(self) -> None:
        self.step += 1

    def describe(self) -> dict[str, Any]:
        return {"stage": "only"}

    def validate(self) -> dict[str, Any] | None:
        return {"score": float(self.step)} if self.step % 3 == 0 else None


def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Weights, losses and every row of the log are the same, dropout's draws included."""
    whole = Line()
    losses = train(whole, tmp_path / "whole", {}, CPU, save_every_s=0)
    with pytest.raises(KeyboardInterrupt):
        train(Line(stops_after=4), tmp_path / "stopped", {}, CPU, save_every_s=0)
    resumed = Line()
    torch.manual_seed(99)
    assert train(resumed, tmp_path / "stopped", {}, CPU, save_every_s=0) == losses
    for one, other in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(one, other)
    rows = [read_log(tmp_path / name / "log.jsonl") for name in ("whole", "stopped")]
    assert [row.pop("s_per_step") >= 0 for log in rows for row in log] == [True] * 12
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[0] if "score" in row] == [3, 6]


class StuckInItsSecondCheckpoint(Line):
    """Never returns from the second call of `state`."""

    saved = 0

    def state(self) -> dict[str, Any]:
        self.saved += 1
        if self.saved == 2:
            print("two steps logged, one saved", flush=True)
            signal.pause()
        return super().state()


KILLED = """
from pathlib import Path
from tests.training.common.test_loop import CPU, StuckInItsSecondCheckpoint, train

train(StuckInItsSecondCheckpoint(), Path({folder!r}), {{}}, CPU, save_every_s=0)
"""


def test_a_run_killed_between_log_and_checkpoint_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """SIGKILL between the second step's row and its checkpoint: the step is redone, its row is there once."""
    losses = train(Line(), tmp_path / "whole", {}, CPU, save_every_s=0)
    kill_at("two steps logged, one saved", KILLED.format(folder=str(tmp_path / "killed")))
    assert [row["step"] for row in read_log(tmp_path / "killed" / "log.jsonl")] == [1, 2]
    assert train(Line(), tmp_path / "killed", {}, CPU, save_every_s=0) == losses
    assert [row["step"] for row in read_log(tmp_path / "killed" / "log.jsonl")] == [1, 2, 3, 4, 5, 6]


def test_a_finished_run_takes_no_step(tmp_path: Path) -> None:
    """The same command again gives the same losses."""
    losses = train(Line(), tmp_path, {"seed": 1}, CPU)
    assert train(Line(stops_after=0), tmp_path, {"seed": 1}, CPU) == losses


@pytest.mark.parametrize(
    ("identity", "named"),
    [
        ({"seed": 2, "rate": 0.1}, "seed 1, not 2"),
        ({"seed": 1, "rate": 0.2}, r"rate 0\.1, not 0\.2"),
        ({"seed": 1}, r"rate 0\.1, not None"),
        ({"seed": 1, "rate": 0.1, "width": 192}, "width None, not 192"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, identity: dict[str, Any], named: str) -> None:
    """Whatever differs is named, with both values; nothing of the run is touched."""
    train(Line(), tmp_path, {"seed": 1, "rate": 0.1}, CPU)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(RecipeError, match=named + r"\. Give the same settings"):
        train(Line(), tmp_path, identity, CPU)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_that_says_nothing_of_its_settings_is_refused(tmp_path: Path) -> None:
    """Earlier versions wrote such; a broken file is refused too."""
    torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    with pytest.raises(RecipeError, match="with which settings"):
        train(Line(), tmp_path, {}, CPU)
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(RecipeError, match="delete it to start anew"):
        train(Line(), tmp_path, {}, CPU)


def test_one_process_at_a_time_trains_a_run(tmp_path: Path) -> None:
    """A second one is refused before it reads or writes anything."""
    with lock_run(tmp_path):
        with pytest.raises(RecipeError, match="Another process is training"):
            train(Line(), tmp_path, {}, CPU)
        assert {path.name for path in tmp_path.iterdir()} == {"run.lock"}
    assert len(train(Line(), tmp_path, {}, CPU)) == 6


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    """Before it spoils the weights, with what to try."""
    line = Line()
    with torch.no_grad():
        next(line.network.parameters()).fill_(float("inf"))
    with pytest.raises(RecipeError, match=r"not finite after 0 steps: give a lower --rate"):
        train(line, tmp_path, {}, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpus_random_state_is_resumed(tmp_path: Path) -> None:
    """Dropout on the GPU draws on where it was."""
    gpu = torch.device("cuda")

    class OnGPU(Line):
        def __init__(self, stops_after: int | None = None) -> None:
            super().__init__(6, stops_after)
            self.network.to(gpu)

        def loss(self, batch: torch.Tensor) -> torch.Tensor:
            return super().loss(batch.to(gpu))

    losses = train(OnGPU(), tmp_path / "whole", {}, gpu, save_every_s=0)
    with pytest.raises(KeyboardInterrupt):
        train(OnGPU(stops_after=4), tmp_path / "stopped", {}, gpu, save_every_s=0)
    torch.cuda.manual_seed(99)
    assert train(OnGPU(), tmp_path / "stopped", {}, gpu, save_every_s=0) == losses
