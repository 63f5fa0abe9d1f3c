"""Crops of all streams share batches: each caller gets its own scores, and one that leaves harms nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.metrics import Metrics
from facegauge_server.scoring.batch_scorer import BatchScorer
from facegauge_server.scoring.batcher import Batcher
from facegauge_server.types import Box, CauseKind, CropScore, FaceBox, FaceCrop, RawScores


class GatedEngine:
    """Scores a crop by its first byte, the rest is blur's; held at a gate or broken, as no real one is."""

    name = "gated"
    causes = (CauseKind.BLUR,)
    precision = "f32"
    gains_from_batches = True

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[int]] = []
        self.error: Exception | None = None

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        self.batches.append(pixels[:, 0, 0, 0].tolist())
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        quality = np.asarray(pixels[:, 0, 0, 0] / np.float32(200), dtype=np.float32)
        return RawScores(quality, (1 - quality)[:, None])

    def close(self) -> None: ...


@asynccontextmanager
async def scoring(
    engine: GatedEngine, max_batch: int = 8, max_wait_s: float = 0.0, threads: int = 1
) -> AsyncIterator[BatchScorer]:
    scorer = BatchScorer(engine, Batcher(max_batch, max_wait_s), threads, Metrics())
    try:
        yield scorer
    finally:
        engine.gate.set()
        await scorer.close()


def crops(*values: int) -> list[FaceCrop]:
    face = FaceBox(1, Box(0, 0, 1, 1))
    return [FaceCrop(face, np.full((4, 3, 3), value, np.uint8)) for value in values]


def qualities(scores: list[CropScore]) -> list[float]:
    return [score.quality for score in scores]


async def until_taken(engine: GatedEngine, batches: int) -> None:
    """Wait until the engine has begun so many batches."""
    async with asyncio.timeout(20):
        while len(engine.batches) < batches:
            await asyncio.sleep(0.001)


async def test_everyone_gets_their_own_scores() -> None:
    """A hundred streams with up to three faces: each gets its scores, in the order of its crops."""
    engine = GatedEngine()
    async with scoring(engine, max_batch=7, threads=3) as scorer:
        wanted = [[(stream + face) % 200 for face in range(stream % 4)] for stream in range(100)]
        scores = await asyncio.gather(*(scorer.score(crops(*values)) for values in wanted))
    for values, got in zip(wanted, scores, strict=True):
        assert qualities(got) == pytest.approx([value / 200 for value in values])
        assert [score.causes[0].cost for score in got] == pytest.approx([1 - value / 200 for value in values])
    assert max(map(len, engine.batches)) <= 7


async def test_a_frame_without_faces_waits_for_nobody() -> None:
    """No crops, no batch."""
    engine = GatedEngine()
    async with scoring(engine) as scorer:
        assert await scorer.score([]) == []
    assert engine.batches == []


async def test_what_gathers_while_the_engine_is_busy_is_one_batch() -> None:
    """Streams share the engine's next call."""
    engine = GatedEngine()
    async with scoring(engine) as scorer:
        engine.gate.clear()
        first = asyncio.create_task(scorer.score(crops(1)))
        await until_taken(engine, 1)
        others = [asyncio.create_task(scorer.score(crops(value))) for value in (2, 3, 4)]
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(first, *others)
    assert engine.batches == [[1], [2, 3, 4]]


async def test_a_batch_that_never_fills_leaves_in_time() -> None:
    """A lone crop is scored when it has waited long enough."""
    engine = GatedEngine()
    async with scoring(engine, max_wait_s=0.02) as scorer:
        assert qualities(await asyncio.wait_for(scorer.score(crops(100)), 20)) == [0.5]


async def test_the_wait_is_measured_on_the_given_clock() -> None:
    """A crop that waits for the engine while two seconds pass on the clock has waited two seconds."""
    engine, metrics, times_s = GatedEngine(), Metrics(), [100.0]
    scorer = BatchScorer(engine, Batcher(8, 0.0), 1, metrics, clock=lambda: times_s[0])
    engine.gate.clear()
    first = asyncio.create_task(scorer.score(crops(1)))
    await until_taken(engine, 1)
    second = asyncio.create_task(scorer.score(crops(2)))
    await asyncio.sleep(0)
    times_s[0] = 102.0
    engine.gate.set()
    await asyncio.gather(first, second)
    await scorer.close()
    waited_s = metrics.registry.get_sample_value(
        "facegauge_stage_duration_seconds_sum", {"stage": "engine_wait"}
    )
    assert waited_s == pytest.approx(2.0)


async def test_a_stream_that_leaves_takes_its_crops_along() -> None:
    """Cancelled before its turn a crop is not scored, cancelled in it nobody else notices."""
    engine = GatedEngine()
    async with scoring(engine) as scorer:
        engine.gate.clear()
        in_engine = asyncio.create_task(scorer.score(crops(1)))
        await until_taken(engine, 1)
        waiting = asyncio.create_task(scorer.score(crops(2)))
        stays = asyncio.create_task(scorer.score(crops(3)))
        await asyncio.sleep(0)
        for task in (in_engine, waiting):
            task.cancel()
        await asyncio.gather(in_engine, waiting, return_exceptions=True)
        engine.gate.set()
        assert qualities(await asyncio.wait_for(stays, 20)) == pytest.approx([3 / 200])
    assert engine.batches == [[1], [3]]
    assert scorer._waiting == {}


async def test_an_engine_that_fails_fails_its_batch_alone() -> None:
    """Every owner of a crop in the batch is told; the next batch is scored."""
    engine = GatedEngine()
    async with scoring(engine) as scorer:
        engine.error = RuntimeError("out of memory")
        outcomes = await asyncio.gather(
            scorer.score(crops(1, 2)), scorer.score(crops(3)), return_exceptions=True
        )
        assert [str(outcome) for outcome in outcomes] == ["out of memory"] * 2
        engine.error = None
        assert qualities(await scorer.score(crops(200))) == [1.0]
    assert scorer._waiting == {}


async def test_closing_waits_for_the_engine() -> None:
    """A batch in the engine is finished and delivered before the threads go."""
    engine = GatedEngine()
    async with scoring(engine, threads=2) as scorer:
        engine.gate.clear()
        last = asyncio.create_task(scorer.score(crops(50)))
        await until_taken(engine, 1)
        closing = asyncio.create_task(scorer.close())
        await asyncio.sleep(0)
        assert not closing.done()
        engine.gate.set()
        await asyncio.wait_for(closing, 20)
        assert qualities(await last) == [0.25]
