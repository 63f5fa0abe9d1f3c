from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from facegauge_server.types import Box
from facegauge_training.data.sampling import in_turn
from facegauge_training.data.sources import Source


def photos(name: str, count: int) -> list[Source]:
    return [
        Source(Path(f"{name}/{i}.jpg"), "train", name, Box(0, 0, 200, 200), 100.0, "") for i in range(count)
    ]


def test_at_any_moment_sources_are_there_by_the_root_of_their_size() -> None:
    """A source a hundred times as large comes ten times as often, from early on."""
    visits = in_turn([*photos("large", 400), *photos("small", 4)], 50)
    seen = Counter(visit.source.name for visit in islice(visits, 110))
    assert seen["small"] in (9, 10, 11)


def test_every_photo_has_its_turn_before_any_comes_again() -> None:
    """Visits of one source differ by one at most, and have names of their own."""
    visits = list(islice(in_turn([*photos("a", 9), *photos("b", 3)]), 40))
    for name in "ab":
        times = Counter(visit.source.key for visit in visits if visit.source.name == name)
        assert max(times.values()) - min(times.values()) <= 1
    assert len({visit.stem for visit in visits}) == 40


def test_it_ends_when_all_had_their_visits() -> None:
    """Nothing comes more often than was asked for, and nothing is left out."""
    times = Counter(visit.source.key for visit in in_turn([*photos("a", 5), *photos("b", 2)], 3))
    assert len(times) == 7
    assert set(times.values()) == {3}


def test_the_order_does_not_depend_on_the_order_of_the_index() -> None:
    """A run that is started again goes through the same visits."""
    sources = [*photos("a", 5), *photos("b", 2)]
    assert [v.stem for v in in_turn(sources)] == [v.stem for v in in_turn(sources[::-1])]
