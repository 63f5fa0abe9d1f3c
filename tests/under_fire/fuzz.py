"""Fuzz the real server over the wire: hostile pictures, numbers and bytes.

    python -m tests.under_fire.fuzz --inputs 1000000 [--seed 1] [--json FILE]
    python -m tests.under_fire.fuzz --seed 1 --batch 8275      # what a failure names

Every input gets an answer with a code that blames whoever must act; nothing crashes, hangs or leaks. Inputs
are a pure function of the seed, so a failure can be repeated. Prints a table of attempts and outcomes.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import click
import grpc
import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.server import Server, server_process
from facegauge.v1 import quality_pb2 as pb
from tests.under_fire.coded_units import CodedMutator
from tests.under_fire.memory import memory_bytes
from tests.under_fire.mutations import Mutator
from tests.under_fire.slowdown import slowdown

__all__ = ["Findings", "fuzz"]

SERVICE = "/facegauge.v1.QualityService/"
ALLOWED = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
"""Codes that an input may earn; any other is a finding."""
HANG_S = 60.0
"""Longest wait for one answer, on a machine without other work."""
T = TypeVar("T")
FRAMES_A_STREAM = 100
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
CONCURRENT = 16
WARM_UP_INPUTS = 2000


@dataclass(slots=True)
class Findings:
    """What a run tried and saw."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Answers by kind of input and code or frame result."""
    wrong_codes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    crashes: int = 0
    """Times that the server's process ended."""
    worker_restarts: int = 0
    memory_before_bytes: int = 0
    memory_after_bytes: int = 0
    duration_s: float = 0.0

    def note(self, kind: str, code: grpc.StatusCode, details: str, where: str) -> None:
        """Count an answer; keep those that no input may earn."""
        self.outcomes[f"{kind}: {code.name}"] += 1
        if code not in ALLOWED:
            (self.hangs if code is grpc.StatusCode.DEADLINE_EXCEEDED else self.wrong_codes).append(
                f"{where}: {code.name}: {details[:200]}"
            )


async def repeat(server: Server, seed: int, batches: Iterable[int]) -> Findings:
    """Send some batches of an earlier run again, one after another."""
    findings = Findings()
    async with grpc.aio.insecure_channel(server.target, options=OPTIONS) as channel:
        for number in batches:
            await _batch(channel, seed, number, findings)
    findings.crashes = int(not _lives(server))
    return findings


async def fuzz(server: Server, inputs: int, seed: int, progress: Progress | None = None) -> Findings:
    """Send inputs to a server; its memory counts from when it has seen the first thousands."""
    findings = Findings()
    start_s = time.monotonic()
    task = progress.add_task("inputs", total=inputs) if progress else None
    batch = 0
    async with grpc.aio.insecure_channel(server.target, options=OPTIONS) as channel:
        while findings.inputs < inputs:
            batches = range(batch, batch + CONCURRENT)
            await asyncio.gather(*(_batch(channel, seed, number, findings) for number in batches))
            batch += CONCURRENT
            if not findings.memory_before_bytes and findings.inputs >= min(inputs, WARM_UP_INPUTS):
                findings.memory_before_bytes = memory_bytes(server.process)
            if progress and task is not None:
                progress.update(task, completed=findings.inputs)
            if not _lives(server):
                findings.crashes += 1
                break
    findings.memory_after_bytes = memory_bytes(server.process) if _lives(server) else 0
    findings.worker_restarts = _worker_restarts(server) if _lives(server) else 0
    findings.duration_s = time.monotonic() - start_s
    return findings


async def _batch(channel: grpc.aio.Channel, seed: int, number: int, findings: Findings) -> None:
    """Send one batch of inputs of one kind, which its number decides."""
    mutator = Mutator(seed * 1_000_003 + number)
    stream_id = f"fuzz-{seed}-{number}"
    where = f"--seed {seed}, batch {number}"
    match number % 8:
        case 3:
            messages = CodedMutator(seed * 1_000_003 + number).stream(stream_id, FRAMES_A_STREAM)
            await _stream(channel, "coded video", messages, findings, where)
        case 0 | 1 | 2:
            config = pb.MonitorStreamRequest(
                config=pb.StreamConfig(stream_id=stream_id, delivery=pb.DELIVERY_COMPLETE)
            ).SerializeToString()
            frames = [mutator.frame(sequence) for sequence in range(FRAMES_A_STREAM)]
            await _stream(channel, "frames", [config, *frames], findings, where)
        case 4:
            for index in range(10):
                messages = [mutator.config(f"{stream_id}-{index}"), mutator.frame(0)]
                await _stream(channel, "configs", messages, findings, where)
        case 5:
            for index in range(10):
                messages = [mutator.config(f"{stream_id}-{index}"), mutator.frame(0)]
                damaged = [mutator.damaged(message) for message in messages]
                await _stream(channel, "damaged messages", damaged, findings, where)
        case 6:
            images = [mutator.image() for _ in range(10)]
            images += [mutator.damaged(image) for image in images]
            for image in images:
                await _unary(channel, "AssessImage", image, findings, where)
        case _:
            for _ in range(10):
                listing = mutator.listing()
                for message in (listing, mutator.damaged(listing)):
                    await _unary(channel, "ListStreams", message, findings, where)


async def _stream(
    channel: grpc.aio.Channel, kind: str, messages: list[bytes], findings: Findings, where: str
) -> None:
    """Send the first message, and the others once it is accepted.

    A client of grpc.aio that still writes when the server ends the call reports INTERNAL, its own trouble,
    in place of the server's status; so nothing is written that the server may be refusing just then.
    """
    method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        f"{SERVICE}MonitorStream"
    )
    call = method()
    findings.inputs += 1
    try:
        await call.write(messages[0])
        if await _in_time(call.read()) is not grpc.aio.EOF:
            await asyncio.gather(_send(call, messages[1:]), _count_results(call, kind, findings))
            findings.inputs += len(messages) - 1
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        pass  # its code is taken below
    except TimeoutError:
        findings.hangs.append(f"{where}: no answer")
        call.cancel()
    findings.note(kind, await call.code(), await call.details(), where)


async def _send(call: grpc.aio.StreamStreamCall[bytes, bytes], messages: list[bytes]) -> None:
    for message in messages:
        await call.write(message)
    if len(messages) > 1:
        await call.done_writing()


async def _count_results(
    call: grpc.aio.StreamStreamCall[bytes, bytes], kind: str, findings: Findings
) -> None:
    while (data := await _in_time(call.read())) is not grpc.aio.EOF:
        assert isinstance(data, bytes)
        response = pb.MonitorStreamResponse.FromString(data)
        if response.HasField("assessment") and response.assessment.result:
            findings.outcomes[f"{kind}: {pb.FrameResult.Name(response.assessment.result)}"] += 1
            if kind not in ("frames", "coded video"):
                await call.done_writing()


async def _unary(
    channel: grpc.aio.Channel, method: str, message: bytes, findings: Findings, where: str
) -> None:
    try:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"{SERVICE}{method}")
        await _in_time(call(message))
    except TimeoutError:
        findings.hangs.append(f"{where}: no answer")
    except grpc.aio.AioRpcError as error:
        findings.note(method, error.code(), error.details() or "", where)
    else:
        findings.note(method, grpc.StatusCode.OK, "", where)
    findings.inputs += 1


async def _in_time(answer: Awaitable[T]) -> T:
    """Await an answer; TimeoutError where it is not the machine that is so slow."""
    task = asyncio.ensure_future(answer)
    done, _ = await asyncio.wait([task], timeout=HANG_S)
    if not done:
        await asyncio.wait([task], timeout=HANG_S * (slowdown() - 1))
    if not task.done():
        task.cancel()
        raise TimeoutError
    return task.result()


def _lives(server: Server) -> bool:
    return bool(server.process.is_running() and server.process.status() != psutil.STATUS_ZOMBIE)


def _worker_restarts(server: Server) -> int:
    with urllib.request.urlopen(server.metrics_url) as response:  # noqa: S310 - our own server
        families = text_string_to_metric_families(response.read().decode())
    return sum(
        int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "facegauge_worker_restarts_total"
    )


def table_of(findings: Findings) -> Table:
    """Return the attempts and outcomes as a table."""
    table = Table("what", "count", title="Fuzzing over the wire")
    rows = {
        "inputs": findings.inputs,
        "crashes of the server": findings.crashes,
        "workers restarted": findings.worker_restarts,
        "hangs": len(findings.hangs),
        "wrong codes": len(findings.wrong_codes),
        "memory before, MiB": findings.memory_before_bytes // 2**20,
        "memory after, MiB": findings.memory_after_bytes // 2**20,
        "minutes": round(findings.duration_s / 60, 1),
    }
    for what, count in (*rows.items(), *sorted(findings.outcomes.items())):
        table.add_row(what, str(count))
    return table


@click.command()
@click.option("--inputs", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--batch", "batches", type=int, multiple=True, help="Repeat a batch of an earlier run instead.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the findings to this file.")
def main(inputs: int, seed: int, batches: tuple[int, ...], json_path: Path | None) -> None:
    """Fuzz a server of this machine, started for the purpose."""
    console = Console()
    with server_process() as server, Progress(console=Console(stderr=True)) as progress:
        running = repeat(server, seed, batches) if batches else fuzz(server, inputs, seed, progress)
        findings = asyncio.run(running)
    console.print(table_of(findings))
    for fault in (*findings.hangs[:20], *findings.wrong_codes[:20]):
        console.print(fault)
    if json_path is not None:
        json_path.write_text(
            json.dumps({name: getattr(findings, name) for name in Findings.__slots__}, indent=2)
        )
    if findings.crashes or findings.hangs or findings.wrong_codes:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
