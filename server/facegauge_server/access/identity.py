"""Identity of a caller: its tenant, its rights, and the calls that it may publish to."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from facegauge_server.errors import Forbidden

__all__ = ["ANYONE", "Identity", "Right"]


class Right(enum.StrEnum):
    """What a token may allow."""

    PUBLISH = "publish"
    """Send frames: MonitorStream and AssessImage."""
    LIST = "list"
    """ListStreams."""
    WATCH = "watch"
    """WatchStreams."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller whose token or certificate has been verified.

    Streams belong to the tenant of whoever opened them; other tenants neither see nor touch them.
    """

    tenant: str
    """Empty for callers of a server that asks for no identity."""
    rights: frozenset[Right]
    calls: frozenset[str] | None = None
    """Call ids that the caller is limited to; None for every call of its tenant."""

    def require(self, right: Right) -> None:
        """Raise Forbidden unless the caller has `right`."""
        if right not in self.rights:
            held = ", ".join(sorted(self.rights)) or "none"
            raise Forbidden(f"the token lacks the right {right.value!r}, it has: {held}")

    def require_call(self, call_id: str) -> None:
        """Raise Forbidden unless the caller may touch the call."""
        if not self.sees_call(call_id):
            raise Forbidden(f"the token does not cover call {call_id!r}: its claim `calls` must list it")

    def sees_call(self, call_id: str) -> bool:
        """Return whether the caller may see streams of a call."""
        return self.calls is None or call_id in self.calls


ANYONE = Identity(tenant="", rights=frozenset(Right))
"""The caller of a server that asks for no identity: on loopback, or with --insecure."""
