"""Say what each defect of a crop costs: the quality that would come back if this cause were gone.

A row of a store holds, besides the crop's own `vmaf` and `gmsd`, what the same frame measures with some of
its causes removed from the chain, all else equal (same noise, same lost packets):

    "without": {"blur": [vmaf, gmsd], "compression": [...], "blur+compression": [...]}

Two figures come out of it, both 0 for a cause that is not in the chain, and never below 0:

- `gains_alone` (all but one): label without the cause, minus the label. This is what fixing it alone brings;
  where two defects are each ruinous, it is near 0 for both.
- `gains_shared` (Shapley 1953): the mean of what removing the cause brings over all orders of removing
  everything, so that the causes' shares add up to all that was lost. It needs every combination.

With one cause both are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import combinations
from math import factorial
from typing import Any

from facegauge_models.causes import CAUSES
from facegauge_training.data.call_codecs import TRANSPARENT
from facegauge_training.data.clips import LINES
from facegauge_training.data.degradation_chain import Chain, label

__all__ = [
    "CAUSES",
    "causes_of",
    "gains_alone",
    "gains_shared",
    "label_without",
    "removal_name",
    "removals",
    "without",
    "without_nuisances",
]

FIELDS = tuple(field.name for field in fields(Chain))


def causes_of(chain: Chain) -> tuple[str, ...]:
    """Return what harms the picture in a chain, in the order of `CAUSES`."""
    transparent = bool(chain.loss_kind) and not chain.kbps and chain.quality <= TRANSPARENT[chain.codec]
    there = {
        "compression": bool(chain.codec) and not transparent,
        "resolution": chain.lines < LINES,
        "blur": bool(chain.defocus or chain.motion),
        "noise": bool(chain.noise),
        "exposure": bool(chain.stops),
        "loss": bool(chain.loss),
    }
    return tuple(cause for cause in CAUSES if there[cause])


def without(chain: Chain, removed: Iterable[str]) -> Chain:
    """Return a chain without some of its causes, all else equal.

    Raises:
        ValueError: a cause is not one of `CAUSES`.
    """
    for cause in removed:
        if cause == "compression":
            kept_codec = chain.codec if chain.loss_kind else ""
            quality = TRANSPARENT[chain.codec] if chain.loss_kind else 0
            chain = replace(chain, codec=kept_codec, quality=quality, kbps=0, recording=False)
        elif cause == "resolution":
            chain = replace(chain, lines=LINES, enlarged=False)
        elif cause == "blur":
            chain = replace(chain, defocus=0.0, motion=0.0, angle=0.0)
        elif cause == "noise":
            chain = replace(chain, noise=0.0, grain=0.0, webcam=False, denoise=0.0)
        elif cause == "exposure":
            chain = replace(chain, stops=0.0)
        elif cause == "loss":
            kept_quality = 0 if "compression" not in causes_of(chain) else chain.quality
            kept_codec = "" if "compression" not in causes_of(chain) else chain.codec
            chain = replace(chain, codec=kept_codec, quality=kept_quality, loss=0.0, loss_kind="", draw=0)
        else:
            raise ValueError(f"{cause!r} is no cause: they are {', '.join(CAUSES)}")
    return chain


def without_nuisances(chain: Chain) -> Chain:
    """Return a chain without filters that change a picture and must not raise its label."""
    return replace(chain, sharpen=0.0, beauty=0.0)


def removals(chain: Chain) -> list[tuple[str, ...]]:
    """Return every combination of a chain's causes but none of them, the smallest first."""
    causes = causes_of(chain)
    return [some for size in range(1, len(causes) + 1) for some in combinations(causes, size)]


def removal_name(removed: Iterable[str]) -> str:
    """Return the key of a combination of causes in a row's `without`."""
    return "+".join(cause for cause in CAUSES if cause in set(removed))


def label_without(row: dict[str, Any], removed: Iterable[str]) -> float:
    """Return the label that a crop of a store would have with some of its causes gone.

    Raises:
        KeyError: this combination was not measured.
    """
    removed = set(removed)
    # A label depends on a chain's stops and noise alone.
    left = Chain(
        stops=0.0 if "exposure" in removed else row["stops"],
        noise=0.0 if "noise" in removed else row["noise"],
    )
    name = removal_name(removed)
    measured = row.get("without", {})
    vmaf, gmsd = measured[name] if name or name in measured else (row["vmaf"], row["gmsd"])
    return label(left, vmaf, gmsd, row.get("highlights"))


def gains_alone(row: dict[str, Any]) -> dict[str, float]:
    """Return the quality that comes back when one cause goes and all others stay, by cause.

    Raises:
        KeyError: the row holds no such measurement.
    """
    now = label_without(row, ())
    return {cause: max(0.0, label_without(row, (cause,)) - now) for cause in causes_of(_chain(row))}


def gains_shared(row: dict[str, Any]) -> dict[str, float]:
    """Return each cause's share of what was lost, the mean over all orders of removing them (Shapley).

    Raises:
        KeyError: the row does not hold every combination.
    """
    causes = causes_of(_chain(row))
    count = len(causes)
    values = {
        frozenset(some): label_without(row, some)
        for size in range(count + 1)
        for some in combinations(causes, size)
    }
    shares = {}
    for cause in causes:
        others = [other for other in causes if other != cause]
        total = 0.0
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for gone in map(frozenset, combinations(others, size)):
                total += weight * (values[gone | {cause}] - values[gone])
        shares[cause] = max(0.0, total)
    return shares


def _chain(row: dict[str, Any]) -> Chain:
    return Chain(**{name: row[name] for name in FIELDS if name in row})
