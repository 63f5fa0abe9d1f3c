"""The command `facegauge-plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from facegauge_plan.constants import CODECS, Constants, read_constants
from facegauge_plan.demand import BadWorkload, Workload
from facegauge_plan.fleet import Fleet, Replica, plan_fleet
from facegauge_plan.ring import RING_SIZE

__all__ = ["command"]

EPILOG = """
Example:

\b
  facegauge-plan --streams 50000 --codec vp8 --unit-fps 7.5 --scored-fps 1 --core-hour-price 0.04
"""
SIZES = {"360p": (640, 360), "480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}


def _size(_: click.Context, __: click.Parameter, text: str) -> tuple[int, int]:
    if text in SIZES:
        return SIZES[text]
    width, _cross, height = text.partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise click.BadParameter(f"{text!r}: give {', '.join(SIZES)} or WIDTHxHEIGHT")
    return int(width), int(height)


def _shown(work: Workload, replica: Replica, fleet: Fleet, constants: Constants) -> str:
    one = fleet.stream
    lines = [
        ("a stream", f"{one.cores * 1000:.1f} ms of processor time a second, {one.worker_ms:.1f} in workers"),
        ("", f"{one.memory_mib:.1f} MiB, {one.kbit_per_s:,.0f} kbit/s, {one.series} series"),
        (
            "a replica",
            f"{replica.cores:g} cores bear {fleet.streams_per_replica:,} streams ({fleet.bound_by})",
        ),
        ("", f"{fleet.replica_memory_mib:,.0f} MiB where full; give half as much again"),
        ("the fleet", f"{fleet.replicas:,} replicas, {replica.spare} of them to spare"),
        ("", f"{fleet.cores:,.0f} cores, {fleet.busy_cores:,.0f} of them busy; {fleet.memory_gib:,.1f} GiB"),
        ("", f"{fleet.mbit_per_s:,.0f} Mbit/s, {fleet.series:,} series"),
        ("the ring", f"deals the fullest replica {fleet.dealt.fullest_share:.2f} times the mean,"),
        (
            "",
            f"so {fleet.dealt.moved / work.streams:.0%} of the streams find theirs full, and go on",
        ),
    ]
    if fleet.cost_a_stream_month:
        lines.append(("cost", f"{fleet.cost_a_stream_month:.2f} a stream and month of 730 hours"))
    kind = f"{work.codec}, {work.width}x{work.height}, {work.scored_fps:g} scored a second"
    body = "\n".join(f"{name:<11}{text}" for name, text in lines)
    measured = f"Measured on {constants.machine}, {constants.date}.\nOther machines differ."
    return f"{work.streams:,} streams of {kind}\n\n{body}\n\n{measured}"


def _option(flag: str, kind: Any, default: Any, help_text: str) -> Callable[[Any], Any]:
    return click.option(flag, type=kind, default=default, show_default=True, help=help_text)


@click.command(epilog=EPILOG)
@click.option(
    "--streams", type=click.IntRange(min=1), required=True, help="Live at once, at the busiest time."
)
@_option("--codec", click.Choice(CODECS), "jpeg", "What is sent.")
@_option("--scored-fps", float, 2.0, "Pictures of a stream that are scored, a second.")
@click.option("--size", callback=_size, default="720p", show_default=True, help=f"{', '.join(SIZES)} or WxH.")
@_option(
    "--unit-fps", float, 30.0, "Units of coded video decoded a second: of three layers, the base's quarter."
)
@_option("--faces", float, 1.0, "Faces in a picture.")
@_option("--student", str, "facegauge-small", "The server's --model.")
@_option("--cores", float, 2.0, "Of a replica.")
@_option("--utilisation", float, 0.65, "Share of its cores that is busy at most.")
@_option("--spare", int, 1, "Replicas that may be gone.")
@_option("--max-streams", int, 256, "The server's --max-streams.")
@_option("--ring-size", int, RING_SIZE, "Envoy's minimum_ring_size.")
@click.option(
    "--core-hour-price", type=click.FloatRange(min=0), default=0.0, help="Of one core, any currency."
)
@click.option(
    "--constants",
    "constants_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Of your own machine: `python -m bench.plan_constants`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    size: tuple[int, int],
    core_hour_price: float,
    constants_file: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Plan a fleet: streams, codec and resolution to cores, replicas, memory, series, network and cost."""
    try:
        constants = read_constants(constants_file)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{constants_file}: {error}") from error
    shape = {one.name: given.pop(one.name) for one in fields(Replica) if one.name in given}
    try:
        work, replica = Workload(width=size[0], height=size[1], **given), Replica(**shape)
        fleet = plan_fleet(work, replica, constants, core_hour_price)
    except BadWorkload as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(fleet), indent=1))
    else:
        click.echo(_shown(work, replica, fleet, constants))
