"""Share the cores of a machine among replicas."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

__all__ = ["share_cores"]


def share_cores(cores: Iterable[int], replicas: int) -> list[frozenset[int]]:
    """Return the cores of each replica: neighbours by number, as many for each as can be, one at least.

    Where there are more replicas than cores, several have the same one.
    """
    all_cores = sorted(cores)
    count = len(all_cores)
    if replicas >= count:
        return [frozenset({all_cores[number * count // replicas]}) for number in range(replicas)]
    bounds = [number * count // replicas for number in range(replicas + 1)]
    return [frozenset(all_cores[begin:end]) for begin, end in pairwise(bounds)]
