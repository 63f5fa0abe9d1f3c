"""The file that a finished training leaves: the network, its weights, and what they were made from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch

from facegauge_models.imagenet import load_imagenet
from facegauge_models.measure import crop_example, onnx_bytes
from facegauge_models.students import FaceStudent
from facegauge_training.common.atomic import atomic_file
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.data.crop_set import CROP_WIDTH, CropSet, crop_height
from facegauge_training.pretraining.weights import is_pretrained, load_pretrained_backbone, read_pretrained

__all__ = [
    "OUTPUTS",
    "Provenance",
    "Trained",
    "load_trained",
    "new_network",
    "read_provenance",
    "save_trained",
    "start_from_weights",
    "write_onnx",
]

OUTPUTS = ("quality", "causes")
"""Names of a network's outputs in its ONNX file."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a network's weights were made from, as its file says it."""

    backbone: str
    """timm's name."""
    initialisation: str
    """"random", "imagenet", or the run that it started from."""
    samples: int
    """Crops and patches seen, those of the runs that it started from among them."""
    crops: int
    """Crops in the last run's training set."""
    teacher: str
    """`RUN@HASH` that it was distilled from in the last run, or "none"."""
    labelled_by: dict[str, int]
    """`STORE: WHO` -> crops, "vmaf" or a teacher, in the last run; empty where the file does not say."""
    sources: tuple[str, ...]
    """Collections that the last run's photos are from; empty where the file does not say."""
    start: Provenance | None = None
    """The run that it started from; None for random and ImageNet's weights, or where it is not recorded."""

    @staticmethod
    def of(saved: Mapping[str, Any]) -> Provenance:
        """Return what a file says; files of earlier versions may say less."""
        start = saved.get("start")
        return Provenance(
            str(saved["backbone"]),
            str(saved.get("initialisation", "not recorded")),
            int(saved["samples"]),
            int(saved.get("crops", 0)),
            str(saved.get("teacher", "none")),
            dict(saved.get("labelled_by", {})),
            tuple(saved.get("sources", ())),
            Provenance.of(start) if start else None,
        )

    def lineage(self) -> Iterator[Provenance]:
        """Yield this run, then each one that it started from."""
        run: Provenance | None = self
        while run is not None:
            yield run
            run = run.start

    def all_sources(self) -> list[str]:
        """Return the collections of photos that any run of the lineage was trained on."""
        return sorted({source for run in self.lineage() for source in run.sources})

    def all_labels(self) -> dict[str, int]:
        """Return who labelled how many crops of the lineage's stores: "vmaf" or a teacher -> crops."""
        stores: dict[str, int] = {}
        for run in reversed(list(self.lineage())):  # a store that has grown counts as the last run found it
            stores |= run.labelled_by
        labellers: Counter[str] = Counter()
        for store, crops in stores.items():
            labellers[store.rpartition(": ")[2]] += crops
        return dict(sorted(labellers.items()))

    def teachers(self) -> list[str]:
        """Return the teachers that any run of the lineage was distilled from."""
        return sorted({run.teacher for run in self.lineage()} - {"none"})

    def beginning(self) -> str:
        """Return what the first run of the lineage began with, as far as the files say."""
        return list(self.lineage())[-1].initialisation


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished network."""

    network: FaceStudent
    """Network in evaluation mode, on the CPU."""
    width: int
    """Px across of the crops it takes."""
    name: str
    """`RUN@HASH`: the run's folder and the first digits of its weights' SHA-256."""
    provenance: Provenance
    """What it was made from."""


def new_network(backbone: str, initialisation: str, seed: int) -> FaceStudent:
    """Build a network with random or ImageNet's weights.

    Raises:
        RecipeError: timm has no such backbone, it gives no maps of every scale, or no weights are to be had.
    """
    torch.manual_seed(seed)
    if backbone not in timm.list_models(backbone):
        raise RecipeError(
            f"timm has no {backbone!r}: give another --backbone, for instance mobilenetv3_small_100 or one "
            "of `python -c 'import timm; print(timm.list_models())'`."
        )
    try:
        network = FaceStudent(backbone)
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise RecipeError(
            f"{backbone} does not give its maps of every scale ({error}): give another --backbone."
        ) from error
    if initialisation == "imagenet":
        try:
            load_imagenet(network.backbone, backbone, network.MEAN, network.SCALE)
        except (ImportError, ValueError, RuntimeError, OSError) as error:
            raise RecipeError(
                f"No ImageNet weights for {backbone} here: {error}. Or give --initialisation random."
            ) from error
    return network


def start_from_weights(network: FaceStudent, path: Path) -> tuple[int, list[str]]:
    """Take over the weights of an earlier run, or of a pretrained backbone, that fit.

    Returns:
        The samples that an earlier run has seen, and the names of what did not fit.

    Raises:
        RecipeError: the file is none, or nothing of the backbone fits.
    """
    saved = _load(path)
    if is_pretrained(saved):
        load_pretrained_backbone(path, network)
        return 0, [name for name in network.state_dict() if not name.startswith("backbone.")]
    earlier, new = _finished(saved, path), network.state_dict()
    known = {n: w for n, w in earlier["weights"].items() if n in new and w.shape == new[n].shape}
    if not any(name.startswith("backbone.") for name in known):
        raise RecipeError(f"{path} is a {earlier['backbone']}: give one of this --backbone to start from.")
    missing = network.load_state_dict(known, strict=False).missing_keys
    return int(earlier["samples"]), list(missing)


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what a finished training's file says besides its weights, for `start` of the run after it.

    Raises:
        RecipeError: it is missing, or is none.
    """
    saved = _load(path)
    if is_pretrained(saved):
        metadata = read_pretrained(path).metadata
        return {
            "backbone": metadata["backbone"],
            "initialisation": f"features of {metadata['teacher']}",
            "samples": metadata["samples"],
            "sources": list(metadata["sources"]),
        }
    return {name: value for name, value in _finished(saved, path).items() if name != "weights"}


def save_trained(path: Path, network: FaceStudent, crops: CropSet, metadata: Mapping[str, Any]) -> None:
    """Write a finished training's file: weights, metadata, and who labelled how many crops of each store.

    Args:
        path: of the file.
        network: trained.
        crops: that it was trained on.
        metadata: backbone, samples, crops, width, initialisation, teacher, seed, and `start`, the file's
            metadata that it started from (`read_provenance`).
    """
    labelled = Counter(f"{row['store']}: {row['labelled_by']}" for row in crops.rows)
    sources = sorted({str(row["source"]) for row in crops.rows})
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    save_atomically({"weights": weights, **metadata, "labelled_by": dict(labelled), "sources": sources}, path)


def load_trained(path: Path) -> Trained:
    """Read a finished training's file.

    Raises:
        RecipeError: it is missing, is none, or its weights are not of its backbone.
    """
    saved = _finished(_load(path), path)
    weights = saved.pop("weights")
    try:
        network = FaceStudent(saved["backbone"])
        network.load_state_dict(weights)
    except Exception as error:  # timm and torch raise whatever they like
        raise RecipeError(
            f"{path} does not hold a {saved['backbone']} of this version ({str(error)[:200]}): train it "
            "again."
        ) from error
    digest = hashlib.sha256()
    for tensor in weights.values():
        digest.update(tensor.numpy().tobytes())
    width = int(saved.get("width", CROP_WIDTH))
    name = f"{path.parent.name}@{digest.hexdigest()[:10]}"
    return Trained(network.eval(), width, name, Provenance.of(saved))


def write_onnx(trained: Trained, path: Path) -> None:
    """Write a network as ONNX: `pixels` uint8 (n, height, width, 3) -> `quality` (n,), `causes` (n, 6)."""
    example = crop_example(crop_height(trained.width), trained.width)
    with atomic_file(path) as file:
        file.write(onnx_bytes(trained.network, example, "pixels", OUTPUTS))


def _finished(saved: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        _ = saved["weights"], saved["backbone"], saved["samples"]
    except (KeyError, TypeError) as error:
        raise RecipeError(f"{path} is no file of a finished training: it lacks {error}") from error
    return saved


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RecipeError(
            f"There is no {path}: train first, `facegauge-train {path.stem} --run {path.parent.name}`."
        )
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} is no file of a finished training: {error}") from error
    return saved
