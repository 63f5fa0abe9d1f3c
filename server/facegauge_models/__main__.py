"""Print the report's Table 1 beside what the zoo measures; exit 1 when a row is off.

    python -m facegauge_models                      every system and teacher, with milliseconds a face
    python -m facegauge_models --no-timing          the same without them
    python -m facegauge_models ecnu-sjtu regnet     these alone

GFLOPs are multiply-adds at the row's test size and batch 1, as fvcore counts them. A settled row must have
the reported parameters to the last digit and the reported GFLOPs within 0.0005; a row that the report leaves
open must be within the tolerance that stands beside it. Milliseconds are CPU time, the median of ten
faces, one thread, with random weights: they depend on the machine.
"""

from __future__ import annotations

import logging
import sys
import warnings

import click

import facegauge_models
from facegauge_models import Model, UnknownModelError

__all__ = ["main"]

TIMES = ("eager", "ORT", "OpenVINO")
HEAD = (
    f"{'rank':>4} {'model':<20} {'size':>9} {'SROCC':>6} {'PLCC':>6}"
    f" {'GFLOPs':>8} {'measured':>8} {'params M':>8} {'measured':>8}"
)


@click.command(help=__doc__.split("\n", 1)[0])
@click.argument("models", nargs=-1)
@click.option("--timing/--no-timing", default=True, help="Measure milliseconds a face in three engines.")
@click.option("--teachers/--no-teachers", default=True, help="Also list the teachers, which have no row.")
def main(models: tuple[str, ...], timing: bool, teachers: bool) -> None:
    """Measure the models, print a row each, and exit 1 when one is off."""
    try:
        chosen = [facegauge_models.info(name) for name in models or facegauge_models.names(teachers=teachers)]
    except UnknownModelError as error:
        raise click.UsageError(str(error)) from None
    logging.getLogger("fvcore").setLevel(logging.ERROR)  # it names every operator that costs nothing
    warnings.simplefilter("ignore")  # of torch's tracer, which both fvcore and the exporter use
    click.echo(HEAD + ("".join(f" {engine + ' ms':>11}" for engine in TIMES) if timing else ""))
    off = [model.name for model in chosen if not _row(model, timing)]
    if off:
        click.echo(f"Off: {', '.join(off)}.", err=True)
        sys.exit(1)


def _row(model: Model, timing: bool) -> bool:
    import torch

    from facegauge_models import measure

    torch.set_num_threads(1)
    network = facegauge_models.create(model.name)
    height, width = model.input_size
    example = measure.picture_example(height, width)
    gflops = measure.count_gflops(network, example)
    params_m = measure.count_params(network) / 1e6
    agrees = model.agrees(gflops=gflops, params_m=params_m)
    reported = model.reported
    line = f"{(reported.rank if reported else None) or '-':>4} {model.name:<20} {f'{height}x{width}':>9}"
    if reported is not None:
        line += f" {reported.srocc:>6.4f} {reported.plcc:>6.4f} {reported.gflops:>8.4f} {gflops:>8.4f}"
        line += f" {reported.params_m:>8.4f} {params_m:>8.4f}"
    else:
        line += f" {'-':>6} {'-':>6} {'-':>8} {gflops:>8.4f} {'-':>8} {params_m:>8.4f}"
    if timing:
        exported = measure.onnx_bytes(network, example)
        line += f" {measure.eager_ms(network, example):>11.1f}"
        line += f" {measure.onnxruntime_ms(exported, example.numpy()):>11.1f}"
        line += f" {measure.openvino_ms(exported, example.numpy()):>11.1f}"
    if model.tolerance is not None:
        line += f"  within {model.tolerance:.0%}"
    click.echo(line + ("" if agrees else "  OFF"))
    return agrees


if __name__ == "__main__":
    main()
