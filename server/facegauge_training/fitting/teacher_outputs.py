"""Ask a teacher about every labelled crop, once, for the students that will learn from it.

    python -m facegauge_training.fitting.teacher_outputs --teacher teacher-2 --pseudo-round 2

Writes its score and its features, float16 (crops, 1 + features), a file a source, below CACHE/answers: of all
rounds of labels and of one round of self-training. Without a GPU, OpenVINO computes them in half of torch's
time. Resumes after a kill; a second run finds everything there. A student learns from as many as there are.
"""

from __future__ import annotations

import queue
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import nn

from facegauge_models.students import FaceStudent
from facegauge_server.block_import import blocked
from facegauge_server.types import Pixels
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.store import pseudo_stores
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.fitting.distillation import answer_path

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["main"]

Ask = Callable[[Pixels], npt.NDArray[np.float32]]
"""From crops, uint8 (n, height, width, 3), to scores and features, (n, 1 + features)."""


class _Answer(nn.Module):
    """A network's score and features in a row."""

    def __init__(self, network: FaceStudent) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features = self._network.features(pixels)
        return torch.cat((self._network.score(features)[:, None], features), dim=1)


def _asking_torch(answer: _Answer, device: torch.device) -> Ask:
    """Ask on a GPU."""
    answer.to(device).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def ask(crops: Pixels) -> npt.NDArray[np.float32]:
        return np.asarray(answer(torch.from_numpy(crops).to(device)).float().cpu().numpy())

    return ask


def _asking_openvino(answer: _Answer, height: int, width: int, threads: int) -> Ask:
    """Ask on the CPU: one crop after another, since a batch gains nothing there, on the thread that calls."""
    example = torch.zeros((1, height, width, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's: sizes are fixed
        model = openvino.convert_model(answer, example_input=example, input=list(example.shape))
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
    idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
    for _ in range(threads):
        compiled = openvino.Core().compile_model(
            model, "CPU", {**settings, "INFERENCE_PRECISION_HINT": "f32"}
        )
        idle.put(compiled.create_infer_request())

    def ask(crops: Pixels) -> npt.NDArray[np.float32]:
        request = idle.get()
        try:
            return np.concatenate([request.infer({0: crop[None]})[0].copy() for crop in crops])
        finally:
            idle.put(request)

    return ask


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--teacher", default="teacher-2", show_default=True, help="Its run.")
@click.option("--pseudo-round", type=click.IntRange(min=1), help="Round of self-training to ask about too.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(cache: Path, teacher: str, pseudo_round: int | None, threads: int) -> None:
    """Ask a teacher about every labelled crop."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cache = cache.expanduser()
    trained = load_trained(cache / "runs" / teacher / "teacher.pt")
    answer = _Answer(trained.network).eval()
    if device.type == "cuda":
        ask = _asking_torch(answer, device)
    else:
        ask = _asking_openvino(answer, crop_height(trained.width), trained.width, threads)
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, pseudo_round)], trained.width)
    places = groupby(range(len(crops)), lambda i: answer_path(cache, trained.name, crops.rows[i]))
    missing = [(path, list(numbers)) for path, numbers in places if not path.is_file()]
    np.random.default_rng(0).shuffle(missing)  # a part of the answers is a part of every store

    def ask_and_keep(source: tuple[Path, list[int]]) -> None:
        path, numbers = source
        answers = ask(np.stack([crops[i] for i in numbers]))
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, answers.astype(np.float16))
        unfinished.replace(path)

    with ThreadPoolExecutor(1 if device.type == "cuda" else threads) as pool:
        for _ in track(pool.map(ask_and_keep, missing), f"asking {trained.name}", total=len(missing)):
            pass
    click.echo(f"{trained.name}: {len(crops)} crops, {len(missing)} sources asked about now")


if __name__ == "__main__":
    main()
