"""Export a trained student with a manifest of what was measured about it, and a model card.

Every figure in them is measured here: cost by fvcore, parity of ONNX and torch on real crops, time in
OpenVINO (float32, one core), agreement by `evaluate`. What the student was made from is what its checkpoint
says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facegauge_models.causes import CAUSES
from facegauge_models.measure import (
    count_gflops,
    count_params,
    crop_example,
    onnx_bytes,
    onnx_difference,
    openvino_ms,
)
from facegauge_models.students import FaceStudent
from facegauge_server import crop_spec
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.student import Student
from facegauge_server.types import CauseKind
from facegauge_training.common.atomic import atomic_file, write_json
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.evaluation.cause_agreement import agreement_by_cause
from facegauge_training.evaluation.evaluate import evaluate
from facegauge_training.evaluation.model_outputs import predict_causes, score_crops
from facegauge_training.fitting.checkpoint import OUTPUTS, Trained
from facegauge_training.release.float32_cut import first_block_ends
from facegauge_training.release.manifest import MAX_DIFFERENCE, MODEL_FILE, Exported
from facegauge_training.release.model_card import write_card

__all__ = ["ASSETS", "export_student", "precision_moves", "provenance_fields", "shipped_models"]

ASSETS = Path(crop_spec.__file__).parent / "assets" / "models"
MAX_GFLOPS, MAX_PARAMETERS, MAX_BYTES = 0.5, 5_000_000, 16_000_000
PARITY_CROPS = 32


def shipped_models() -> list[Path]:
    """Return the files of the students in the server's assets, the default first."""
    default = (ASSETS / "default.txt").read_text(encoding="utf-8").strip()
    folders = sorted((path.parent for path in ASSETS.glob("*/manifest.json")), key=lambda f: f.name)
    folders.sort(key=lambda folder: folder.name != default)
    return [folder / MODEL_FILE for folder in folders]


def export_student(
    trained: Trained,
    ladder: CropSet,
    cause_ladder: CropSet,
    folder: Path,
    name: str,
    version: str,
    licences: dict[str, str],
) -> dict[str, Any]:
    """Write model.onnx, manifest.json and MODEL_CARD.md, and return the manifest.

    Args:
        trained: the student.
        ladder: of the val split, at the student's width.
        cause_ladder: likewise, with steps that mix causes.
        folder: gets the files; made if it is missing.
        name: of the model.
        version: of the model.
        licences: collection of photos -> licence, as the index of faces states it.

    Raises:
        RecipeError: the student is over a limit, or its checkpoint does not say what it was trained on.
    """
    origin = provenance_fields(trained)
    height = crop_height(trained.width)
    example = crop_example(height, trained.width)
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / MODEL_FILE
    coded = onnx_bytes(trained.network, example, "pixels", OUTPUTS)
    pixels = np.stack([ladder[i] for i in range(min(PARITY_CROPS, len(ladder)))])
    difference = onnx_difference(trained.network, coded, pixels)
    gflops, parameters = count_gflops(trained.network, example), count_params(trained.network)
    exported = Exported(coded, trained.width, height, gflops, parameters, difference)
    _check_limits(exported)
    with atomic_file(model) as file:
        file.write(coded)

    measured = evaluate(score_crops(model, ladder), ladder)
    first_in_f32 = first_block_ends(model)
    manifest: dict[str, Any] = {
        **exported.fields(
            name,
            version,
            f"FaceStudent({trained.provenance.backbone})",
            {"quality": "quality", "causes": list(CAUSES)},
        ),
        "normalization": {"mean": FaceStudent.MEAN, "scale": FaceStudent.SCALE},
        "openvino_f32_ms": round(openvino_ms(model, pixels[:1], runs=60), 2),
        "float32_first": first_in_f32,
        "precision_moves": precision_moves(model, ladder, trained.width, first_in_f32),
        "measured": measured,
        "measured_causes": agreement_by_cause(predict_causes(model, cause_ladder), cause_ladder),
        **origin,
        "license": "Apache-2.0",
    }
    write_json(folder / "manifest.json", manifest)
    write_card(folder / "MODEL_CARD.md", manifest, licences)
    return manifest


def provenance_fields(trained: Trained) -> dict[str, Any]:
    """Return what the manifest says of a student's origin, from its checkpoint alone.

    Raises:
        RecipeError: the checkpoint was written by an earlier version and does not say what it was trained on.
    """
    origin = trained.provenance
    if not origin.sources or not origin.labelled_by:
        raise RecipeError(
            f"{trained.name} does not say on which photos it was trained, or who labelled them (an earlier "
            "version wrote it): train it again, or train another run from it with --start-from."
        )
    return {
        "checkpoint": trained.name,
        "initialisation": origin.initialisation,
        "started_from": [run.initialisation for run in origin.lineage()],
        "teachers": origin.teachers(),
        "trained_on": origin.all_sources(),
        "labelled_by": origin.all_labels(),
        "train_crops": origin.crops,
        "train_samples": origin.samples,
    }


def precision_moves(path: Path, crops: CropSet, width: int, first_in_f32: list[str]) -> dict[str, float]:
    """Return how far each precision of OpenVINO here moves any figure of any crop from float32's."""
    kinds = tuple(map(CauseKind, CAUSES))
    manifest = {"float32_first": first_in_f32}
    student = Student(path.stem, path, "", width, crop_height(width), manifest, causes=kinds)
    scores = {}
    for precision in OpenVinoEngine.precisions():
        engine = OpenVinoEngine(student, threads=1, precision=precision)
        scores[precision] = [engine.score(crops[i][None]) for i in range(len(crops))]
        engine.close()
    reference = scores.pop("f32")
    return {
        precision: round(max(a.move_from(b) for a, b in zip(got, reference, strict=True)), 4)
        for precision, got in scores.items()
    }


def _check_limits(exported: Exported) -> None:
    over = [
        text
        for text, exceeded in (
            (f"{exported.gflops:.3f} billion multiply-adds", exported.gflops > MAX_GFLOPS),
            (f"{exported.parameters} parameters", exported.parameters >= MAX_PARAMETERS),
            (f"{len(exported.coded)} bytes", len(exported.coded) >= MAX_BYTES),
            (
                f"ONNX and torch {exported.difference:.1e} apart",
                not exported.difference <= MAX_DIFFERENCE,
            ),
        )
        if exceeded
    ]
    if over:
        raise RecipeError(f"The student is over a limit ({', '.join(over)}): train a lighter one.")
