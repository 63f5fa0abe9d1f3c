"""The faults of one stream, from both families of rules, the foremost first and each once."""

from __future__ import annotations

from facegauge_server.faults.arrivals import Arrivals
from facegauge_server.faults.views import Views
from facegauge_server.kinds import FAULTS
from facegauge_server.snapshots import FaultsSnapshot, WatchSnapshot
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

    def snapshot(self) -> FaultsSnapshot:
        """Return what the rules remember, those alone that do."""
        watches = {**self.arrivals.watches, **self.views.watches}
        remembered = ((rule, watch.snapshot()) for rule, watch in watches.items())
        return FaultsSnapshot(
            tuple((rule, watch) for rule, watch in remembered if watch != WatchSnapshot()),
            self.arrivals.usual_fps,
        )

    def restore(self, snapshot: FaultsSnapshot) -> None:
        """Go on from a snapshot; what the last frames' times tell is learnt anew."""
        watches = {**self.arrivals.watches, **self.views.watches}
        for rule, watch in snapshot.watches:
            watches[rule].restore(watch)
        self.arrivals.usual_fps = snapshot.usual_fps
