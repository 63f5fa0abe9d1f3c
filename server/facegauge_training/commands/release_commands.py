"""Subcommands about what the server ships: export, unfold, probe-crops."""

from __future__ import annotations

from pathlib import Path

import click

from facegauge_server.engines.precision import PROBE
from facegauge_training.commands.options import FOLDER, cache_option, faces_option, run_option
from facegauge_training.common.runs import find_network, run_folder
from facegauge_training.data.cause_labels import cause_ladder_store
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.sources import read_licences
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.release.export import ASSETS, export_student
from facegauge_training.release.export_system import export_system
from facegauge_training.release.probe_crops import make_probe_crops
from facegauge_training.release.unfold import unfold

__all__ = ["export", "probe_crops", "unfold_model"]


@click.command()
@cache_option
@faces_option
@run_option(required=True)
@click.option("--system", help="Export this system of the challenge instead of a student.")
@click.option("--name", help="Name of the model: its folder in OUT.  [default for a system: its name]")
@click.option("--version", required=True, help="Version of the model.")
@click.option(
    "--out",
    type=FOLDER,
    help="Folder of models.  [default: the server's assets; for a system: CACHE/models]",
)
def export(
    cache: Path, faces: Path, run: str, system: str | None, name: str | None, version: str, out: Path | None
) -> None:
    """Export a trained student to the server's assets: ONNX, manifest and model card.

    Every figure is measured now; what the student was made from is what its checkpoint says. A system of the
    challenge (`--system ecnu-sjtu --run table1/ecnu-sjtu`) goes to CACHE/models, which is no part of the
    package: `facegauge-server --model CACHE/models/NAME` serves it.
    """
    run_folder(cache, run)
    if system is not None:
        folder = (out or cache / "models") / (name or system)
        found = export_system(find_network(cache, run, "--run"), folder, system, version)
        shown = {key: found[key] for key in ("gflops", "parameters", "onnx_torch_difference")}
        click.echo(f"{folder}: {shown}; serve it: facegauge-server --model {folder}")
        return
    if name is None:
        raise click.UsageError("--name: how the student is to be called.")
    out = out or ASSETS
    trained = load_trained(find_network(cache, run, "--run"))
    ladder = CropSet([ladder_store(cache)], trained.width)
    causes = CropSet([cause_ladder_store(cache)], trained.width)
    manifest = export_student(trained, ladder, causes, out / name, name, version, read_licences(faces))
    names = ("gflops", "parameters", "onnx_torch_difference", "openvino_f32_ms")
    shown = {key: manifest[key] for key in names}
    measured = manifest["measured"]
    agreement = f"SROCC {measured['srocc']}, PLCC {measured['plcc']}, RMSE {measured['rmse']}"
    named = manifest["measured_causes"].get("named_first", 0.0)
    click.echo(f"{out / name}: {shown}, {agreement}, costliest cause named first {named:.1%}")


@click.command("unfold")
@cache_option
@run_option(required=True)
@click.option("--model", type=FOLDER, required=True, help="Folder of an exported student.")
def unfold_model(cache: Path, run: str, model: Path) -> None:
    """Make a run of an exported student again, for --start-from and --teacher.

    Its batch normalisations get their statistics from the labelled crops of the cache. Leaves student.pt in
    CACHE/runs/RUN.
    """
    path = run_folder(cache, run) / "student.pt"
    said = unfold(model, train_stores(cache), path)
    begun = f"; begun anew: {', '.join(said['new'])}" if said["new"] else ""
    click.echo(f"{path}: {said['backbone']}, {said['difference']:.1e} from the ONNX file{begun}")


@click.command("probe-crops")
@click.option("--out", type=FOLDER, default=PROBE, help="JPEG to write.  [default: in the server's assets]")
def probe_crops(out: Path) -> None:
    """Make the crops on which a server probes its precisions: a face from pristine to ruined."""
    count = make_probe_crops(out)
    click.echo(f"{out}: {count} crops, {out.stat().st_size} bytes")
