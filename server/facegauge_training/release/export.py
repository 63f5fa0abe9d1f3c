"""Export a trained student to the server's assets, with a manifest of what was measured about it.

    python -m facegauge_training.release.export --run mobilenetv3-small --name facegauge-student --version 1

Writes model.onnx, manifest.json and MODEL_CARD.md. Every figure in them is measured here: cost by fvcore,
parity of ONNX and torch on real crops, time in OpenVINO (float32, one core), agreement by `evaluate`.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import onnxruntime
import openvino
import torch

from facegauge_models.students import FaceStudent
from facegauge_server import crop_spec
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.student import Student
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import CROP_HEIGHT, CROP_WIDTH, CropSet, read_store
from facegauge_training.evaluation.evaluate import evaluate, score_crops
from facegauge_training.release.float32_cut import first_block_ends
from facegauge_training.release.model_card import write_card

__all__ = ["main"]

ASSETS = Path(crop_spec.__file__).parent / "assets" / "models"
MAX_GFLOPS, MAX_PARAMETERS, MAX_BYTES, MAX_DIFFERENCE = 0.5, 5_000_000, 16_000_000, 1e-3


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--faces", type=click.Path(path_type=Path), default=Path("../shared/faces"), show_default=True)
@click.option("--run", required=True, help="Folder of the training below CACHE/runs.")
@click.option("--name", required=True, help="Of the model: its folder in the assets.")
@click.option("--version", required=True, help="Of the model.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=ASSETS, help="Instead of the server's assets."
)
def main(cache: Path, faces: Path, run: str, name: str, version: str, out: Path) -> None:
    """Export a trained student with its manifest and model card."""
    cache = cache.expanduser()
    weights = cache / "runs" / run / "student.pt"
    if not weights.is_file():
        raise RecipeError(
            f"There is no {weights}: train first, `python -m facegauge_training.fitting.train_student --run {run}`."
        )
    trained = torch.load(weights, map_location="cpu")
    student = FaceStudent(trained["backbone"]).eval()
    student.load_state_dict(trained["weights"])
    ladder = read_store(ladder_store(cache))
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.onnx"

    to_onnx(student, model)
    pixels = np.stack([ladder[i] for i in range(min(32, len(ladder)))])
    difference = parity(student, model, pixels)
    gflops, parameters = cost(student)
    over = [
        text
        for text, exceeded in (
            (f"{gflops:.3f} GFLOPs", gflops > MAX_GFLOPS),
            (f"{parameters} parameters", parameters >= MAX_PARAMETERS),
            (f"{model.stat().st_size} bytes", model.stat().st_size >= MAX_BYTES),
            (f"ONNX and torch {difference:.1e} apart", difference > MAX_DIFFERENCE),
        )
        if exceeded
    ]
    if over:
        raise RecipeError(f"The student breaks a limit ({', '.join(over)}): train a lighter one.")
    measured = evaluate(score_crops(model, ladder), ladder)
    first_in_f32 = first_block_ends(model)
    manifest = {
        "name": name,
        "version": version,
        "architecture": f"FaceStudent({trained['backbone']})",
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "bytes": model.stat().st_size,
        "input": {
            "name": "pixels",
            "width": CROP_WIDTH,
            "height": CROP_HEIGHT,
            "layout": "NHWC",
            "dtype": "uint8",
            "color": "RGB",
        },
        "output": {"name": "quality"},
        "crop": crop_spec.manifest_entry(),
        "normalization": {"mean": FaceStudent.MEAN, "scale": FaceStudent.SCALE},
        "gflops": round(gflops, 4),
        "parameters": parameters,
        "onnx_torch_difference": float(f"{difference:.1e}"),
        "openvino_f32_ms": round(milliseconds(model, pixels[:1]), 2),
        "float32_first": first_in_f32,
        "precision_moves": precision_moves(model, ladder, first_in_f32),
        "measured": measured,
        "trained_on": sorted({row["source"] for row in CropSet(train_stores(cache)).rows}),
        "train_crops": trained["crops"],
        "train_samples": trained["samples"],
        "license": "Apache-2.0",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    licences = {source.name: source.licence for source in read_sources(faces, "train")}
    write_card(folder / "MODEL_CARD.md", manifest, licences)
    shown = {
        key: manifest[key] for key in ("gflops", "parameters", "onnx_torch_difference", "openvino_f32_ms")
    }
    click.echo(
        f"{folder}: {shown}, SROCC {measured['srocc']}, PLCC {measured['plcc']}, RMSE {measured['rmse']}"
    )


def to_onnx(student: torch.nn.Module, path: Path) -> None:
    """Write the network as ONNX: `pixels` uint8 (n, 384, 288, 3) -> `quality` float32 (n,)."""
    example = torch.zeros((2, CROP_HEIGHT, CROP_WIDTH, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the traced exporter writes the plainer graph
        torch.onnx.export(
            student,
            (example,),
            str(path),
            input_names=["pixels"],
            output_names=["quality"],
            dynamic_axes={"pixels": {0: "n"}, "quality": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )


@torch.no_grad()
def parity(student: torch.nn.Module, path: Path, pixels: npt.NDArray[np.uint8]) -> float:
    """Return the largest difference between torch and ONNX Runtime on crops (n, 384, 288, 3)."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    exported = session.run(["quality"], {"pixels": pixels})[0]
    return float(np.abs(student(torch.from_numpy(pixels)).numpy() - exported).max())


def cost(student: torch.nn.Module) -> tuple[float, int]:
    """Return GFLOPs as fvcore counts them (one multiply-add is one) for one crop, and the parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # fvcore scripts a loss of its own when imported
        from fvcore.nn import FlopCountAnalysis
    analysis = FlopCountAnalysis(student, torch.zeros((1, CROP_HEIGHT, CROP_WIDTH, 3), dtype=torch.uint8))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return analysis.total() / 1e9, sum(p.numel() for p in student.parameters())


def precision_moves(path: Path, crops: CropSet, first_in_f32: list[str]) -> dict[str, float]:
    """Return how far each precision of OpenVINO on this machine moves the score of any crop from f32's."""
    student = Student(path.stem, path, "", CROP_WIDTH, CROP_HEIGHT, {"float32_first": first_in_f32})
    scores = {}
    for precision in OpenVinoEngine.precisions():
        engine = OpenVinoEngine(student, threads=1, precision=precision)
        scores[precision] = np.concatenate([engine.score(crops[i][None]) for i in range(len(crops))])
        engine.close()
    reference = scores.pop("f32")
    return {precision: round(float(np.abs(got - reference).max()), 4) for precision, got in scores.items()}


def milliseconds(path: Path, pixels: npt.NDArray[np.uint8], runs: int = 60) -> float:
    """Return the median CPU time of one crop in OpenVINO, float32 on one core, milliseconds."""
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    core = openvino.Core()
    network = core.read_model(str(path))
    network.reshape([1, *pixels.shape[1:]])  # as the server compiles it
    compiled = core.compile_model(network, "CPU", settings)
    times = []
    for _ in range(runs):
        start = time.process_time()  # not the clock on the wall: other work on the machine is not our cost
        compiled(pixels)
        times.append(time.process_time() - start)
    return float(np.median(times)) * 1000


if __name__ == "__main__":
    main()
