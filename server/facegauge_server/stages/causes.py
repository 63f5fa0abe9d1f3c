"""Costs of causes -> what is wrong: the causes in order, and the one that is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facegauge_server.types import Cause, CauseKind

__all__ = ["dearest_first", "main_cause"]


def dearest_first(costs: Mapping[CauseKind, float], threshold: float) -> tuple[Cause, ...]:
    """Return the causes, held against a threshold, the dearest first; those alike keep their order."""
    kinds = sorted(costs, key=lambda kind: -costs[kind])
    return tuple(Cause(kind, costs[kind], threshold) for kind in kinds)


def main_cause(causes: Iterable[Cause]) -> Cause | None:
    """Return the dearest cause that reaches its threshold; None where none does."""
    named = [cause for cause in causes if cause.threshold is not None and cause.cost >= cause.threshold]
    return max(named, key=lambda cause: cause.cost, default=None)
