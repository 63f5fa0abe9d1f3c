"""What Envoy costs: the same calls to the same server, directly and through Envoy, in turns.

    python -m bench.envoy_cost                                    # 20 calls of 720p JPEG at 2 fps
    python -m bench.envoy_cost --streams 40 --rounds 5 --json envoy.json

The ways take turns in one run, so that what else the machine does hits all of them: compare ratios, and
processor time rather than time on the clock. Envoy has the configuration that ships; `envoy` leaves TLS out.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import click
import grpc
import trustme
from rich.console import Console
from rich.table import Table

from bench.envoy import Envoy, envoy_process
from bench.frames import call_frames
from bench.load import play_calls
from bench.server import Server, server_process

__all__ = ["main"]

FRAMES, WARM_UP_S = 40, 3.0
DIRECT, CLEAR, TLS = "direct", "envoy", "envoy, TLS"


@dataclass(frozen=True, slots=True)
class Way:
    """How calls reach the server."""

    name: str
    target: str
    credentials: grpc.ChannelCredentials | None = None
    envoy: Envoy | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one way."""

    way: str
    scored: int
    p50_ms: float
    p95_ms: float
    server_ms_a_frame: float
    """Processor time of the server and its workers."""
    envoy_ms_a_frame: float
    envoy_memory_mib: float


@click.command(context_settings={"show_default": True})
@click.option("--streams", default=20, help="Calls at once.")
@click.option("--fps", default=2.0, help="Frames per second of each.")
@click.option("--seconds", default=15.0, help="Of one turn.")
@click.option("--rounds", default=5, help="Turns of each way.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
def main(streams: int, fps: float, seconds: float, rounds: int, json_path: Path | None) -> None:
    """Compare calls through Envoy with direct ones."""
    console = Console(width=110)
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    frames = call_frames(FRAMES)
    turns: list[Turn] = []
    with ExitStack() as stack:
        server = stack.enter_context(server_process("--precision", "f32", "--max-worker-wait", "10"))
        clear = stack.enter_context(envoy_process([server.target]))
        certificate = (issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())
        tls = stack.enter_context(envoy_process([server.target], certificate=certificate))
        ways = (
            Way(DIRECT, server.target),
            Way(CLEAR, clear.target, envoy=clear),
            Way(TLS, tls.target, grpc.ssl_channel_credentials(authority.cert_pem.bytes()), tls),
        )
        asyncio.run(play_calls(server.target, frames, min(streams, 4), fps, WARM_UP_S))
        for number in range(rounds):
            for way in ways:
                with console.status(f"round {number + 1} of {rounds}: {way.name}"):
                    turns.append(_turn(way, server, frames, streams, fps, seconds))
    _print(console, turns)
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(turn) for turn in turns], indent=2) + "\n")


def _turn(way: Way, server: Server, frames: list[bytes], streams: int, fps: float, seconds: float) -> Turn:
    def envoy_cpu_s() -> float:
        return 0.0 if way.envoy is None else way.envoy.cpu_s()

    before_s, envoy_before_s = server.cpu_s(), envoy_cpu_s()
    result = asyncio.run(play_calls(way.target, frames, streams, fps, seconds, credentials=way.credentials))
    scored = max(1, result.scored)
    return Turn(
        way.name,
        result.scored,
        result.percentile_ms(50),
        result.percentile_ms(95),
        (server.cpu_s() - before_s) * 1000 / scored,
        (envoy_cpu_s() - envoy_before_s) * 1000 / scored,
        0.0 if way.envoy is None else way.envoy.process.memory_info().rss / 2**20,
    )


def _print(console: Console, turns: list[Turn]) -> None:
    table = Table(title="Envoy beside direct calls, medians; (the least to the most)")
    columns = {
        "way": "way",
        "scored": "scored",
        "p50 ms": "p50_ms",
        "p95 ms": "p95_ms",
        "server CPU ms/frame": "server_ms_a_frame",
        "Envoy CPU ms/frame": "envoy_ms_a_frame",
        "Envoy MiB": "envoy_memory_mib",
    }
    for name in columns:
        table.add_column(name, justify="right")
    for way in (DIRECT, CLEAR, TLS):
        own = [turn for turn in turns if turn.way == way]
        cells = []
        for field in list(columns.values())[1:]:
            values = [float(getattr(turn, field)) for turn in own]
            cells.append(f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})")
        table.add_row(way, *cells)
    console.print(table)


if __name__ == "__main__":
    main(prog_name="python -m bench.envoy_cost")
