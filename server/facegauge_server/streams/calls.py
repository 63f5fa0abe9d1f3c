"""Calls: what the live streams of each are like together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from facegauge_server.streams.session import Session
from facegauge_server.types import CauseKind, NamedCause

__all__ = ["CallStatus", "calls_of"]


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A call as an operator sees it."""

    call_id: str
    streams: int
    streams_scored: int
    """Those that have a current quality; the figures below are theirs."""
    least_quality: float | None
    mean_quality: float | None
    worst_stream_id: str
    main_cause: NamedCause | None
    """The one that most streams name, as the worst of them has it."""
    main_cause_streams: int
    poor_s: float
    """Seconds that the streams have spent in the lowest band, together."""


def calls_of(worst_first: Iterable[Session], now_s: float) -> list[CallStatus]:
    """Sum up streams by call, the call of the worst stream first; `now_s` is the server's monotonic clock."""
    calls: dict[str, list[Session]] = {}
    for session in worst_first:
        calls.setdefault(session.settings.call_id, []).append(session)
    return [_status(call_id, sessions, now_s) for call_id, sessions in calls.items()]


def _status(call_id: str, worst_first: list[Session], now_s: float) -> CallStatus:
    qualities = [one.quality.quality for one in worst_first if one.quality.quality is not None]
    causes = [one.quality.main_cause for one in worst_first if one.quality.main_cause is not None]
    kinds: Counter[CauseKind] = Counter(cause.kind for cause in causes)
    kind, count = kinds.most_common(1)[0] if kinds else (None, 0)
    return CallStatus(
        call_id=call_id,
        streams=len(worst_first),
        streams_scored=len(qualities),
        least_quality=min(qualities, default=None),
        mean_quality=sum(qualities) / len(qualities) if qualities else None,
        worst_stream_id=worst_first[0].settings.stream_id if qualities else "",
        main_cause=next((cause for cause in causes if cause.kind is kind), None),
        main_cause_streams=count,
        poor_s=sum(one.reporter.poor_s(now_s) for one in worst_first),
    )
