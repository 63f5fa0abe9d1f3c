"""Costs of causes -> what is wrong: the causes in order, and the one that is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facegauge_server.types import Cause, CauseKind

__all__ = ["dearest_first", "main_cause", "reaches_threshold"]


def dearest_first(costs: Mapping[CauseKind, float], threshold: float) -> tuple[Cause, ...]:
    """Return the causes, held against a threshold, the dearest first; those alike keep their order."""
    kinds = sorted(costs, key=lambda kind: -costs[kind])
    return tuple(Cause(kind, costs[kind], threshold) for kind in kinds)


def reaches_threshold(cause: Cause, quality: float | None) -> bool:
    """Return whether a cause may be named: no more quality can come back than is missing."""
    missing = 1.0 if quality is None else 1.0 - quality
    return cause.threshold is not None and min(cause.cost, missing) >= cause.threshold


def main_cause(causes: Iterable[Cause], quality: float | None) -> Cause | None:
    """Return the dearest cause that reaches its threshold; None where none does."""
    named = [cause for cause in causes if reaches_threshold(cause, quality)]
    return max(named, key=lambda cause: cause.cost, default=None)
