"""The faults of one stream, from both families of rules, the foremost first and each once."""

from __future__ import annotations

from facegauge_server.faults.arrivals import Arrivals
from facegauge_server.faults.views import Views
from facegauge_server.kinds import FAULTS
from facegauge_server.types import Fault

__all__ = ["StreamFaults"]


class StreamFaults:
    """Faults of one stream."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.views = Views()

    @property
    def now(self) -> tuple[Fault, ...]:
        """Those that last, the foremost first."""
        lasting: dict[str, Fault] = {}
        for fault in (*self.views.faults, *self.arrivals.faults):
            lasting.setdefault(fault.kind, fault)
        return tuple(lasting[kind] for kind in FAULTS if kind in lasting)
