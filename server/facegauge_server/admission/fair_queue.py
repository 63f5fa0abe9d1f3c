"""Fair queueing for the workers: who is served next, when everybody wants to be.

Start-time fair queueing (Goyal, Vin, Cheng: Start-Time Fair Queuing, SIGCOMM 1996) by worker time, in two
levels: first among tenants, then among the flows (streams, or pictures) of one tenant. A flow that costs ten
times as much a frame gets a tenth of the frames, so slow frames slow down nobody but their sender, and a
tenant with many streams gets no more than one with few while both wait.

A turn may be bound to a place, one worker that alone can do it. Such turns take no more slots than their
worker has, so that a queue for one worker does not idle the others.

A synchronous core: it learns what a turn has cost when the turn ends, so it first charges what the flow's
last turn cost.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

__all__ = ["FairQueue", "Flow", "Ticket"]

FIRST_COST_S = 0.01
"""Charged for the first turn of a flow, until its true cost is known."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Whose turns are counted together."""

    tenant: str
    name: str
    weight: float = 1.0
    """Share of its tenant's time, relative to the tenant's other flows."""
    max_running: int = 1
    """Turns that the flow may hold at once."""
    is_live: bool = True
    """Whether its waits tell how busy the server is for live streams."""
    is_counted: bool = True
    """Whether its waits are observed in the metrics."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One turn of a flow: waiting, running, or over."""

    flow: Flow
    place: object | None = None
    """Where alone the turn can run; None for anywhere."""
    charged_s: float = 0.0


@dataclass(slots=True)
class _Account:
    """What a flow, or a tenant, has been charged: seconds of worker time over its weight."""

    weight: float
    virtual_s: float
    last_cost_s: float = FIRST_COST_S
    running: int = 0
    waiting: deque[Ticket] = field(default_factory=deque)

    def charge(self, cost_s: float) -> None:
        self.virtual_s += cost_s / self.weight


@dataclass(slots=True)
class _Tenant:
    account: _Account
    flows: dict[str, _Account] = field(default_factory=dict)
    clock_s: float = 0.0
    """Virtual time among the tenant's flows: that of the last one served."""


class FairQueue:
    """Hands out a fixed number of worker slots. Not thread-safe."""

    def __init__(self, slots: int, slots_a_place: int | None = None) -> None:
        """Hand out `slots`, of which `slots_a_place` may be bound to the same place; None for all."""
        self._free = slots
        self._slots_a_place = slots if slots_a_place is None else slots_a_place
        self._bound: Counter[object] = Counter()
        self._tenants: dict[str, _Tenant] = {}
        self._clock_s = 0.0

    def __len__(self) -> int:
        """Return the number of waiting tickets."""
        return sum(len(flow.waiting) for tenant in self._tenants.values() for flow in tenant.flows.values())

    def request(self, flow: Flow, place: object | None = None) -> Ticket:
        """Ask for a turn; `grant` returns the ticket when it may begin."""
        tenant = self._tenants.get(flow.tenant)
        if tenant is None:
            tenant = self._tenants[flow.tenant] = _Tenant(_Account(1.0, self._clock_s))
        account = tenant.flows.get(flow.name)
        if account is None:
            account = tenant.flows[flow.name] = _Account(flow.weight, tenant.clock_s)
        # Idle time earns no credit: whoever comes back starts level with those who are being served.
        if not any(_is_busy(other) for other in tenant.flows.values()):
            tenant.account.virtual_s = max(tenant.account.virtual_s, self._clock_s)
        if not _is_busy(account):
            account.virtual_s = max(account.virtual_s, tenant.clock_s)
        ticket = Ticket(flow, place)
        account.waiting.append(ticket)
        return ticket

    def grant(self) -> Ticket | None:
        """Return the next ticket that may begin; None while no slot is free or nobody may use it."""
        if self._free == 0:
            return None
        chosen: tuple[_Tenant, _Account] | None = None
        for tenant in sorted(self._tenants.values(), key=lambda one: one.account.virtual_s):
            ready = [flow for flow in tenant.flows.values() if self._is_ready(flow)]
            if ready:
                chosen = tenant, min(ready, key=lambda flow: flow.virtual_s)
                break
        if chosen is None:
            return None
        tenant, account = chosen
        ticket = account.waiting.popleft()
        self._free -= 1
        account.running += 1
        if ticket.place is not None:
            self._bound[ticket.place] += 1
        self._clock_s = max(self._clock_s, tenant.account.virtual_s)
        tenant.clock_s = max(tenant.clock_s, account.virtual_s)
        self._charge(ticket, account.last_cost_s)
        return ticket

    def finish(self, ticket: Ticket, cost_s: float) -> None:
        """End a turn that was granted, with the worker time that it took."""
        tenant = self._tenants[ticket.flow.tenant]
        account = tenant.flows[ticket.flow.name]
        self._free += 1
        account.running -= 1
        if ticket.place is not None:
            self._bound[ticket.place] -= 1
            self._bound += Counter()  # without those that are at 0
        account.last_cost_s = cost_s
        self._charge(ticket, cost_s - ticket.charged_s)
        self._forget(ticket.flow)

    def cancel(self, ticket: Ticket) -> None:
        """Take back a request that was not granted; harmless for one that was."""
        tenant = self._tenants.get(ticket.flow.tenant)
        account = None if tenant is None else tenant.flows.get(ticket.flow.name)
        if account is not None and ticket in account.waiting:
            account.waiting.remove(ticket)
            self._forget(ticket.flow)

    def _is_ready(self, account: _Account) -> bool:
        if not account.waiting or account.running >= account.waiting[0].flow.max_running:
            return False
        place = account.waiting[0].place
        return place is None or self._bound[place] < self._slots_a_place

    def _charge(self, ticket: Ticket, cost_s: float) -> None:
        tenant = self._tenants[ticket.flow.tenant]
        ticket.charged_s += cost_s
        tenant.account.charge(cost_s)
        tenant.flows[ticket.flow.name].charge(cost_s)

    def _forget(self, flow: Flow) -> None:
        """Drop the accounts of idle flows that owe nothing, so that memory is bounded by who is here.

        Where nobody else wants a turn, nobody is owed one: debts end as the last turn ends.
        """
        tenant = self._tenants[flow.tenant]
        if not any(_is_busy(account) for account in tenant.flows.values()):
            tenant.clock_s = max(account.virtual_s for account in tenant.flows.values())
        idle = [
            name
            for name, account in tenant.flows.items()
            if not _is_busy(account) and account.virtual_s <= tenant.clock_s
        ]
        for name in idle:
            del tenant.flows[name]
        if not any(other.flows for other in self._tenants.values()):
            self._tenants.clear()
        elif not tenant.flows and tenant.account.virtual_s <= self._clock_s:
            del self._tenants[flow.tenant]


def _is_busy(account: _Account) -> bool:
    return bool(account.waiting) or account.running > 0
