"""What a chaos run saw, and its tables."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from rich.table import Table

from tests.under_fire.steady_calls import FRAMES_A_S, SteadyCall

__all__ = ["Life", "Report", "Struck", "tables_of"]

WRONG_CODES = ("UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED")
UNDER_WAY_S = 2.0
"""A frame sent so long before a fault may still be under way when it strikes, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault. Times are monotonic."""

    name: str
    start_s: float
    over_s: float
    served_s: float
    """When a new caller had been served."""

    def may_cost(self, sent_s: float) -> bool:
        """Whether a frame sent at a time was under way during the fault, or until callers were served."""
        return self.start_s - UNDER_WAY_S <= sent_s <= self.served_s + UNDER_WAY_S


@dataclass(slots=True)
class Life:
    """Memory of one life of the server."""

    started_s: float = field(default_factory=time.monotonic)
    duration_s: float = 0.0
    before_bytes: int = 0
    after_bytes: int = 0
    most_bytes: int = 0


@dataclass(slots=True)
class Report:
    """What was done and what came of it."""

    seed: int
    log_disk: str = ""
    duration_s: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    workers_killed: int = 0
    crashes: int = 0
    """Times that the server's process ended unasked."""
    hangs: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    server_counts: Counter[str] = field(default_factory=Counter)
    calls: list[SteadyCall] = field(default_factory=list)
    lives: list[Life] = field(default_factory=lambda: [Life()])

    def note_memory(self, memory_bytes: int, settled_s: float) -> None:
        """Take the memory of the present life."""
        life = self.lives[-1]
        life.duration_s = time.monotonic() - life.started_s
        life.most_bytes = max(life.most_bytes, memory_bytes)
        if not life.before_bytes and life.duration_s >= settled_s:
            life.before_bytes = memory_bytes

    def end_life(self, memory_bytes: int) -> None:
        """Take the memory of the present life at its end."""
        self.note_memory(memory_bytes, settled_s=0.0)
        self.lives[-1].after_bytes = memory_bytes

    def begin_life(self) -> None:
        """Note that the server was started again."""
        self.lives.append(Life())

    @property
    def wrong_codes(self) -> list[str]:
        """Codes that blame nobody, as ill-behaved clients got them; and calls that they ended."""
        found = [f"{what} ({count})" for what, count in self.codes.items() if what.endswith(WRONG_CODES)]
        return found + [f"{call.name}: {call.error}" for call in self.calls if "ServerFailed" in call.error]

    @property
    def lost_calls(self) -> list[str]:
        """Calls that ended against their will."""
        return [f"{call.name}: {call.error}" for call in self.calls if call.error]

    def lost_without_a_fault(self) -> int:
        """Frames that no assessment names, that gave way to none, and that no fault can have cost."""
        lost = 0
        for call in self.calls:
            unexplained = [
                sequence
                for sequence in call.unanswered
                if not any(struck.may_cost(call.sent_s[sequence]) for struck in self.struck)
            ]
            lost += max(0, len(unexplained) - call.replaced)
        return lost

    @property
    def faults(self) -> list[str]:
        """What the server failed to hold."""
        found = [f"hang: {hang}" for hang in self.hangs]
        found += [f"wrong code: {code}" for code in self.wrong_codes]
        found += [f"call lost: {call}" for call in self.lost_calls]
        if self.crashes:
            found.append(f"the server's process ended unasked {self.crashes} times")
        if lost := self.lost_without_a_fault():
            found.append(f"{lost} frames were lost that were not under way during a fault")
        if errors := self.server_counts["facegauge_errors_total"]:
            found.append(f"{errors} defects (facegauge_errors_total)")
        return found


def tables_of(report: Report) -> list[Table]:
    """Return the tables: faults and their cost, calls, the server's lives, codes, the whole."""
    return [_faults(report), _calls(report), _lives(report), _codes(report), _summary(report)]


def _faults(report: Report) -> Table:
    columns = ("fault", "times", "new caller served after s, most", "frames sent", "unanswered", "a fault")
    table = Table(*columns, title="Faults, and frames sent from then on until a new caller was served")
    for name in sorted({struck.name for struck in report.struck}):
        mine = [struck for struck in report.struck if struck.name == name]
        sent = unanswered = 0
        for call in report.calls:
            for sequence, sent_s in call.sent_s.items():
                if any(struck.may_cost(sent_s) for struck in mine):
                    sent += 1
                    unanswered += sequence not in call.answered
        slowest_s = max(struck.served_s - struck.over_s for struck in mine)
        row = (name, len(mine), f"{slowest_s:.1f}", sent, unanswered, f"{unanswered / len(mine):.1f}")
        table.add_row(*map(str, row))
    return table


def _calls(report: Report) -> Table:
    columns = (
        "calls",
        "frames sent",
        "answered",
        "worker killed",
        "gave way to a newer",
        "lost",
        "reconnects",
    )
    table = Table(*columns, title=f"{len(report.calls)} calls of {FRAMES_A_S:g} frames a second")
    for delivery in sorted({call.delivery.value for call in report.calls}):
        mine = [call for call in report.calls if call.delivery.value == delivery]
        sent = sum(len(call.sent_s) for call in mine)
        answered = sum(len(call.answered) for call in mine)
        errors = sum(call.results["error"] for call in mine)
        replaced = sum(call.replaced for call in mine)
        reconnects = sum(call.reconnects for call in mine)
        row = (delivery, sent, answered, errors, replaced, max(0, sent - answered - replaced), reconnects)
        table.add_row(*map(str, row))
    return table


def _lives(report: Report) -> Table:
    table = Table("life", "minutes", "MiB before", "MiB after", "MiB most", title="The server's lives")
    for number, life in enumerate(report.lives, 1):
        sizes = (life.before_bytes, life.after_bytes, life.most_bytes)
        table.add_row(
            str(number), f"{life.duration_s / 60:.1f}", *(str(size // 2**20 or "-") for size in sizes)
        )
    return table


def _codes(report: Report) -> Table:
    table = Table("ill-behaved client, or signal: outcome", "count")
    for what, count in sorted(report.codes.items()):
        table.add_row(what, str(count))
    return table


def _summary(report: Report) -> Table:
    table = Table("what", "count", title=f"Chaos, seed {report.seed}")
    rows = {
        "minutes": round(report.duration_s / 60, 1),
        "faults injected": len(report.struck),
        "workers killed besides": report.workers_killed,
        "log disk": report.log_disk,
        "server ended unasked": report.crashes,
        "hangs": len(report.hangs),
        "wrong codes": len(report.wrong_codes),
        "calls lost": len(report.lost_calls),
        "frames lost without a fault": report.lost_without_a_fault(),
        "defects": report.server_counts["facegauge_errors_total"],
    }
    for what, count in rows.items():
        table.add_row(what, str(count))
    return table
