"""Besiege the real server: ten well-behaved calls, in peace and under an attack, in turns.

    python -m tests.under_fire.siege [ATTACK...]

Prints a row for each attack: latency of the good calls, frames unanswered, the most memory that the server
and its workers took, and how the attacker's calls ended.
"""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from bench.server import Server, server_process
from tests.under_fire.attacks import ATTACKS, ON_BUSY_MACHINE, ON_QUIET_MACHINE, start_attack
from tests.under_fire.good_calls import GoodCalls, Player, good_calls_player
from tests.under_fire.memory import memory_bytes

__all__ = ["MAX_MEMORY_BYTES", "Besieged", "Siege", "besieged"]

ATTACK_S = 8.0
QUIET_S = 6.0
P95_MS = 150.0
MAX_SLOWDOWN = 3.0
"""The p95 under attack over that in peace, where that is more than `P95_MS`."""
MAX_UNANSWERED = 0.05
MAX_MEMORY_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Siege:
    """What good calls saw before and during an attack, and what the server took."""

    attack: str
    quiet: tuple[GoodCalls, GoodCalls]
    """Before and after: the machine may have other work at one time and not at another."""
    attacked: GoodCalls
    peak_memory_bytes: int
    outcomes: dict[str, int]
    """How often each outcome came, as the attacker counts them."""
    is_ready: bool
    """Whether the server lives and says that it is ready, afterwards."""

    @property
    def limit_ms(self) -> float:
        """What the p95 under attack may be."""
        return max(P95_MS, MAX_SLOWDOWN * self.quiet_p95_ms)

    @property
    def quiet_p95_ms(self) -> float:
        """The larger p95 of the two times in peace."""
        return max(quiet.p95_ms for quiet in self.quiet)

    @property
    def quiet_unanswered_share(self) -> float:
        """What the machine's other work costs without any attack, 0-1."""
        return max(quiet.unanswered_share for quiet in self.quiet)

    @property
    def faults(self) -> list[str]:
        """What the server failed to hold."""
        found = []
        if self.attacked.p95_ms > self.limit_ms:
            found.append(f"p95 {self.attacked.p95_ms:.0f} ms, at most {self.limit_ms:.0f} allowed")
        if self.attacked.unanswered_share > MAX_UNANSWERED + self.quiet_unanswered_share:
            found.append(f"{self.attacked.unanswered_share:.0%} of the frames unanswered")
        if refused := self.attacked.refused + self.quiet[1].refused:
            found.append(f"{refused} good streams refused, during the attack or after it")
        if self.peak_memory_bytes > MAX_MEMORY_BYTES:
            found.append(f"{self.peak_memory_bytes / 2**20:.0f} MiB")
        if not self.is_ready:
            found.append("not ready afterwards")
        return found


class Besieged:
    """A server with good calls, and attacks one after another."""

    def __init__(
        self, server: Server, player: Player, attack_s: float, quiet_s: float, give_way: Sequence[str]
    ) -> None:
        self._server = server
        self._player = player
        self._attack_s = attack_s
        self._quiet_s = quiet_s
        self._give_way = give_way
        player.play(quiet_s)  # a first second is nobody's measure
        self._before = player.play(quiet_s)

    def stand(self, attack: str) -> Siege:
        """Play good calls under an attack, then in peace."""
        server, peak_bytes = self._server, 0

        def measure() -> None:
            nonlocal peak_bytes
            peak_bytes = max(peak_bytes, memory_bytes(server.process))

        with start_attack(
            attack, server.target, server.metrics_url, self._attack_s + 2, self._give_way
        ) as attacking:
            attacked = self._player.play(self._attack_s, measure)
            try:
                outcomes = attacking.outcomes(timeout_s=60)
            except subprocess.TimeoutExpired:
                outcomes = {"the attacker had to be stopped": 1}
        is_ready = _is_ready(server)
        quiet = (self._before, self._player.play(self._quiet_s))
        self._before = quiet[1]
        return Siege(attack, quiet, attacked, peak_bytes, outcomes, is_ready)


@contextmanager
def besieged(
    attack_s: float = ATTACK_S, quiet_s: float = QUIET_S, give_way: Sequence[str] = ON_BUSY_MACHINE
) -> Iterator[Besieged]:
    """Start a server and good calls; attacks and peace last some seconds each."""
    with server_process() as server, good_calls_player(server.target) as player:
        yield Besieged(server, player, attack_s, quiet_s, give_way)


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
    """Besiege a server of this machine with each ATTACK in turn (all of them by default)."""
    columns = ("attack", "p95 quiet, ms", "p95, ms", "unanswered", "MiB", "faults", "the attacker saw")
    table = Table(*columns, title="Ten good calls under attack")
    with besieged(give_way=ON_QUIET_MACHINE) as one:
        for attack in attacks or tuple(ATTACKS):
            row = _row(one.stand(attack))
            Console(stderr=True, width=400).print(*row, sep=" | ", markup=False)
            table.add_row(*row)
    Console().print(table)


def _row(siege: Siege) -> tuple[str, ...]:
    return (
        siege.attack,
        " ".join(f"{quiet.p95_ms:.0f}" for quiet in siege.quiet),
        f"{siege.attacked.p95_ms:.0f}",
        f"{siege.attacked.unanswered_share:.1%}",
        f"{siege.peak_memory_bytes / 2**20:.0f}",
        "; ".join(siege.faults) or "none",
        ", ".join(f"{what}: {count}" for what, count in siege.outcomes.items()),
    )


if __name__ == "__main__":
    main()
