"""Besiege the real server: ten well-behaved calls, first in peace, then under an attack.

    python -m tests.under_fire.siege [ATTACK...]

Prints a row for each attack: latency of the good calls, frames unanswered, the most memory that the server
and its workers took, and how the attacker's calls ended.
"""

from __future__ import annotations

import subprocess
import time
import urllib.request
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from bench.server import Server, server_process
from tests.under_fire.attacks import ATTACKS, start_attack
from tests.under_fire.good_calls import GoodCalls, start_good_calls
from tests.under_fire.memory import memory_bytes

__all__ = ["Siege", "besiege"]

ATTACK_S = 8.0
QUIET_S = 6.0
HEAD_START_S = 1.0
"""Time that an attack has before the good calls begin."""
P95_MS = 150.0
MAX_SLOWDOWN = 3.0
"""The p95 under attack over that in peace, where that is more than `P95_MS`."""
MAX_UNANSWERED = 0.05
MAX_MEMORY_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Siege:
    """What good calls saw before and during an attack, and what the server took."""

    quiet: GoodCalls
    attacked: GoodCalls
    peak_memory_bytes: int
    outcomes: dict[str, int]
    """How often each outcome came, as the attacker counts them."""
    is_ready: bool
    """Whether the server lives and says that it is ready, afterwards."""

    @property
    def limit_ms(self) -> float:
        """What the p95 under attack may be."""
        return max(P95_MS, MAX_SLOWDOWN * self.quiet.p95_ms)

    @property
    def faults(self) -> list[str]:
        """What the server failed to hold."""
        found = []
        if self.attacked.p95_ms > self.limit_ms:
            found.append(f"p95 {self.attacked.p95_ms:.0f} ms, at most {self.limit_ms:.0f} allowed")
        if self.attacked.unanswered_share > MAX_UNANSWERED:
            found.append(f"{self.attacked.unanswered_share:.0%} of the frames unanswered")
        if self.attacked.refused:
            found.append(f"{self.attacked.refused} good streams refused")
        if self.peak_memory_bytes > MAX_MEMORY_BYTES:
            found.append(f"{self.peak_memory_bytes / 2**20:.0f} MiB")
        if not self.is_ready:
            found.append("not ready afterwards")
        return found


def besiege(server: Server, attack: str) -> Siege:
    """Play good calls in peace, then under an attack."""
    quiet = start_good_calls(server.target, QUIET_S).result(timeout_s=60)
    attacking = start_attack(attack, server.target, server.metrics_url, ATTACK_S + 4)
    time.sleep(HEAD_START_S)
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
    return Siege(quiet, attacked, peak_bytes, outcomes, _is_ready(server))


def _is_ready(server: Server) -> bool:
    try:
        with urllib.request.urlopen(  # noqa: S310 - our own server
            server.metrics_url.replace("/metrics", "/readyz"), timeout=30
        ) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@click.command()
@click.argument("attacks", nargs=-1, type=click.Choice(list(ATTACKS)))
def main(attacks: tuple[str, ...]) -> None:
    """Besiege servers of this machine, one for each ATTACK (all of them by default)."""
    columns = ("attack", "p95 quiet, ms", "p95, ms", "unanswered", "MiB", "faults", "the attacker saw")
    table = Table(*columns, title="Ten good calls under attack")
    for attack in attacks or tuple(ATTACKS):
        with server_process() as server:
            siege = besiege(server, attack)
        row = (
            attack,
            f"{siege.quiet.p95_ms:.0f}",
            f"{siege.attacked.p95_ms:.0f}",
            f"{siege.attacked.unanswered_share:.1%}",
            f"{siege.peak_memory_bytes / 2**20:.0f}",
            "; ".join(siege.faults) or "none",
            ", ".join(f"{what}: {count}" for what, count in siege.outcomes.items()),
        )
        Console(stderr=True, width=400).print(*row, sep=" | ", markup=False)
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
