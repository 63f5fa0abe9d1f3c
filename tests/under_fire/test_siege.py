"""With any attack running, well-behaved calls hardly notice, and the server stays within its memory."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from dataclasses import dataclass

import pytest

from bench.server import Server, server_process
from tests.under_fire.attacks import ATTACKS, start_attack
from tests.under_fire.good_calls import GoodCalls, start_good_calls
from tests.under_fire.memory import memory_bytes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ATTACK_S = 8.0
QUIET_S = 6.0
P95_MS = 150.0
MAX_UNANSWERED = 0.05
MAX_MEMORY_BYTES = 2**30
TRIES = 3
"""The machine has other work; what the server owes it must manage once in three."""


@dataclass(frozen=True, slots=True)
class Siege:
    """What good calls saw before and during an attack, and what the server took."""

    quiet: GoodCalls
    attacked: GoodCalls
    peak_memory_bytes: int
    outcomes: dict[str, int]

    @property
    def faults(self) -> list[str]:
        limit_ms = max(P95_MS, 3 * self.quiet.p95_ms)
        found = []
        if self.attacked.p95_ms > limit_ms:
            found.append(f"p95 {self.attacked.p95_ms:.0f} ms, at most {limit_ms:.0f} allowed")
        if self.attacked.unanswered_share > MAX_UNANSWERED:
            found.append(f"{self.attacked.unanswered_share:.0%} of the frames unanswered")
        if self.attacked.refused:
            found.append(f"{self.attacked.refused} good streams refused")
        if self.peak_memory_bytes > MAX_MEMORY_BYTES:
            found.append(f"{self.peak_memory_bytes / 2**20:.0f} MiB")
        return found


def besiege(server: Server, attack: str) -> Siege:
    """Play good calls in peace, then under an attack."""
    quiet = start_good_calls(server.target, QUIET_S).result(timeout_s=60)
    attacking = start_attack(attack, server.target, server.metrics_url, ATTACK_S + 4)
    good = start_good_calls(server.target, ATTACK_S)
    peak_bytes = 0
    while good.is_playing:
        peak_bytes = max(peak_bytes, memory_bytes(server.process))
        time.sleep(0.1)  # how often memory is measured
    attacked = good.result(timeout_s=60)
    try:
        outcomes = attacking.outcomes(timeout_s=60)
    except subprocess.TimeoutExpired:
        outcomes = {"the attacker had to be stopped": 1}
    return Siege(quiet, attacked, peak_bytes, outcomes)


@pytest.mark.parametrize("attack", ATTACKS)
def test_good_calls_hold_under_attack(attack: str) -> None:
    """Ten good streams keep p95 under 150 ms (or three times their quiet p95) and lose 5% of frames at most.

    The server lives on, is ready, and takes no more than a gibibyte.
    """
    for _ in range(TRIES):
        with server_process() as server:
            siege = besiege(server, attack)
            assert server.process.is_running()
            ready_url = server.metrics_url.replace("/metrics", "/readyz")
            with urllib.request.urlopen(ready_url) as response:  # noqa: S310 - our own server
                assert response.status == 200
        if not siege.faults:
            return
    pytest.fail(f"{attack}: {'; '.join(siege.faults)}; {siege}")
