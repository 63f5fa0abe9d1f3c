"""Whatever bytes a client sends, it gets an answer that says who must act."""

from __future__ import annotations

import pytest

from bench.server import server_process
from tests.under_fire.fuzz import fuzz
from tests.under_fire.mutations import Mutator

INPUTS = 20_000
MAX_GROWTH_BYTES = 64 * 2**20


@pytest.mark.siege
@pytest.mark.timeout(900)
async def test_twenty_thousand_hostile_inputs() -> None:
    """No crash, no hang, no code that blames nobody; memory stays as it was."""
    with server_process() as server:
        findings = await fuzz(server, INPUTS, seed=1)
    assert findings.inputs >= INPUTS
    assert findings.crashes == 0
    assert findings.hangs == []
    assert findings.wrong_codes == []
    assert findings.memory_after_bytes < findings.memory_before_bytes + MAX_GROWTH_BYTES


def test_inputs_can_be_repeated() -> None:
    """The same seed makes the same inputs, another one others."""

    def some(seed: int) -> list[bytes]:
        mutator = Mutator(seed)
        return [mutator.frame(n) for n in range(50)] + [mutator.config("x"), mutator.image()]

    assert some(1) == some(1)
    assert some(1) != some(2)
