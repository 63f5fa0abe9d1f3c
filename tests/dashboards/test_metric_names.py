"""Nobody is sent to a metric that does not exist, and no metric exists that nobody was told of."""

import json
from pathlib import Path

import pytest

from .conftest import BOARDS, METRIC, README, ROOT, RULES, RUNBOOK, read_rules

SAYS_NAMES = [*BOARDS, *RULES, README, RUNBOOK, ROOT / "dashboards" / "README.md"]


def names_in(path: Path) -> set[str]:
    """The metrics that a file speaks of; in a dashboard, those of its queries, annotations and variables."""
    text = path.read_text()
    if path.suffix == ".json":
        text = json.dumps(json.loads(text), ensure_ascii=False).replace("\\", " ")
    packages = {folder.name for folder in ROOT.glob("*/facegauge_*")}
    return set(METRIC.findall(text)) - packages


@pytest.mark.parametrize("path", SAYS_NAMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_metric_named_is_exported_or_recorded(
    path: Path, exported: dict[str, set[str]], exported_by_gateway: dict[str, set[str]]
) -> None:
    """Each metric in a dashboard, a rule or a text comes from a server, a gateway or a recording rule."""
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    known = recorded.union(
        *(names for one in (exported, exported_by_gateway) for names in (one, *one.values()))
    )
    named = names_in(path)
    assert named, "the file names no metric: does the pattern still fit?"
    assert not named - known


def test_every_exported_metric_is_documented(exported: dict[str, set[str]]) -> None:
    """The README tells of every metric that is ours."""
    ours = {name for name in exported if name.startswith("facegauge_")}
    assert len(ours) >= 14
    assert not ours - names_in(README)


def test_the_gateways_dashboard_shows_all_that_it_exports(exported_by_gateway: dict[str, set[str]]) -> None:
    """What no panel shows would have to be known by name."""
    ours = {name for name in exported_by_gateway if name.startswith("facegauge_")}
    assert len(ours) >= 14
    (board,) = (path for path in BOARDS if path.stem == "gateway")
    assert not ours - names_in(board)


def test_every_recording_is_used() -> None:
    """A recorded series that no alert and no dashboard reads would cost Prometheus for nothing."""
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    read = set().union(*(METRIC.findall(rule["expr"]) for rule in read_rules()), *map(names_in, BOARDS))
    assert not recorded - read
