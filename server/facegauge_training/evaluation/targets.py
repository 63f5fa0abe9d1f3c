"""What a student is to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Target", "held_against_targets"]

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One figure of an evaluation and its limit."""

    name: str
    limit: float
    is_least: bool
    """Whether the figure must reach the limit; else it must not exceed it."""
    figure: Callable[[Figures], float | None]
    """Finds it; None where it was not measured."""
    shown: str = ".3f"


def _at(*path: str) -> Callable[[Figures], float | None]:
    """Make a finder of the figure at a path of names."""

    def find(figures: Figures) -> float | None:
        found: Any = figures
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return None if found is None else float(found)

    return find


def _people_gap(figures: Figures) -> float | None:
    """Find the widest gap between groups of people: by size in the frame, brightness and skin tone."""
    names = ("size in the frame", "brightness", "skin tone")
    gaps = [_at("groups", name, "gap", "value")(figures) for name in names]
    return max((gap for gap in gaps if gap is not None), default=None)


def _worst_spread(figures: Figures) -> float | None:
    return max((step["share"] for step in figures.get("spread_by_step", ())), default=None)


MS = "CPU time a face, ms, as its manifest says"
TARGETS = (
    Target("SROCC", 0.95, True, _at("srocc")),
    Target("PLCC", 0.965, True, _at("plcc")),
    Target("RMSE", 0.07, False, _at("rmse")),
    Target("SROCC of received lines", 0.88, True, _at("families", "lines", "srocc")),
    Target("a face's own bias, standard deviation", 0.045, False, _at("own_bias", "value")),
    Target("neighbouring steps in order", 0.995, True, _at("ordered_pairs", "neighbours"), ".1%"),
    Target(
        "spread at one severity, times the labels' own, worst step",
        0.9,
        False,
        _worst_spread,
    ),
    Target("widest gap between groups of people", 0.03, False, _people_gap),
    Target(
        "largest true cause named first, where it costs 0.1",
        0.85,
        True,
        _at("causes", "named_first"),
        ".1%",
    ),
    Target("SROCC within a call, mean", 0.97, True, _at("calls", "srocc_within", "value")),
    Target("SROCC within a call, least", 0.90, True, _at("calls", "srocc_within_least")),
    Target(
        MS, 2.0, False, _at("model", "openvino_f32_ms"), ".1f"
    ),
)  # fmt: skip
"""On the val split's ladders and the calls. The last is the default model's; `OF_MODEL` has other limits."""
OF_MODEL: dict[str, dict[str, float]] = {"facegauge-accurate": {"SROCC": 0.955, MS: 9.0}}
"""Limits of single models, by name of the target."""


def held_against_targets(figures: Figures) -> list[dict[str, Any]]:
    """Return each target with the value, and whether it is met; `met` is None where nothing was measured."""
    own = OF_MODEL.get(figures["model"]["name"], {})
    held = []
    for target in TARGETS:
        limit = own.get(target.name, target.limit)
        value = target.figure(figures)
        is_met = None if value is None else (value >= limit if target.is_least else value <= limit)
        held.append(
            {
                "target": target.name,
                "limit": limit,
                "is_least": target.is_least,
                "value": value,
                "met": is_met,
                "shown": target.shown,
            }
        )
    return held
