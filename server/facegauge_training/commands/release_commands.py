"""Subcommands that make what the server ships: export, probe-crops."""

from __future__ import annotations

from pathlib import Path

import click

from facegauge_server.engines.precision import PROBE
from facegauge_training.commands.options import FOLDER, cache_option, faces_option, run_option
from facegauge_training.common.runs import find_network, run_folder
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.sources import read_licences
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.release.export import ASSETS, export_student
from facegauge_training.release.probe_crops import make_probe_crops

__all__ = ["export", "probe_crops"]


@click.command()
@cache_option
@faces_option
@run_option(required=True)
@click.option("--name", required=True, help="Name of the model: its folder in the assets.")
@click.option("--version", required=True, help="Version of the model.")
@click.option("--out", type=FOLDER, default=ASSETS, help="Folder of models.  [default: the server's assets]")
def export(cache: Path, faces: Path, run: str, name: str, version: str, out: Path) -> None:
    """Export a trained student to the server's assets: ONNX, manifest and model card.

    Every figure is measured now; what the student was made from is what its checkpoint says.
    """
    run_folder(cache, run)
    trained = load_trained(find_network(cache, run, "--run"))
    ladder = CropSet([ladder_store(cache)], trained.width)
    manifest = export_student(trained, ladder, out / name, name, version, read_licences(faces))
    names = ("gflops", "parameters", "onnx_torch_difference", "openvino_f32_ms")
    shown = {key: manifest[key] for key in names}
    measured = manifest["measured"]
    click.echo(
        f"{out / name}: {shown}, SROCC {measured['srocc']}, PLCC {measured['plcc']}, RMSE {measured['rmse']}"
    )


@click.command("probe-crops")
@click.option("--out", type=FOLDER, default=PROBE, help="JPEG to write.  [default: in the server's assets]")
def probe_crops(out: Path) -> None:
    """Make the crops on which a server probes its precisions: a face from pristine to ruined."""
    count = make_probe_crops(out)
    click.echo(f"{out}: {count} crops, {out.stat().st_size} bytes")
