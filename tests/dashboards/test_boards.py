"""The committed dashboards are what the generator writes, and every panel tells what it shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.generator.__main__ import main
from dashboards.generator.parts import QUALITY_BANDS

from .conftest import BOARDS, ROOT, panels, read_alerts, read_board

PANELS = [
    pytest.param(panel, id=f"{path.stem}: {panel['title']}")
    for path in BOARDS
    for panel in panels(read_board(path))
]


def test_the_committed_dashboards_are_current(tmp_path: Path) -> None:
    """`python -m dashboards.generator` changes nothing."""
    main(tmp_path)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text() for path in BOARDS}


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_tells_what_it_shows(panel: dict[str, Any]) -> None:
    """Each has a description, a unit, thresholds and queries; each query has a letter of its own."""
    assert panel["title"]
    assert len(panel["description"]) > 30
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == sorted(set(letters))
    assert all(letters)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_do_not_overlap(path: Path) -> None:
    """Every cell of the grid of 24 columns belongs to one panel at most, and ids are unique."""
    taken: set[tuple[int, int]] = set()
    for panel in read_board(path)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in read_board(path)["panels"]]
    assert len(ids) == len(set(ids))


def test_bands_are_those_of_the_alerts() -> None:
    """Where the dashboards turn red, StreamQualityLow and ManyStreamsLow count."""
    start = QUALITY_BANDS[1][0]
    low = next(alert for alert in read_alerts() if alert["alert"] == "StreamQualityLow")
    assert f":last1m[15s]) < {start}\n" in low["expr"]
    assert f"< bool {start})" in (ROOT / "dashboards" / "rules" / "fleet.yaml").read_text()


def test_links_between_dashboards_lead_somewhere() -> None:
    """The worst streams' link opens a dashboard and sets its variables.

    All but the tenant, which no row has where callers are not identified: it stays at All.
    """
    boards = {board["uid"]: board for board in map(read_board, BOARDS)}
    fleet = boards["facegauge-fleet"]
    worst = next(panel for panel in panels(fleet) if panel["title"] == "Worst streams")
    link = next(
        prop
        for override in worst["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "links"
    )["value"][0]["url"]
    path, _, query = link.partition("?")
    call = boards[path.removeprefix("/d/")]
    variables = {variable["name"] for variable in call["templating"]["list"]}
    asked = {part.split("=")[0].removeprefix("var-") for part in query.split("&") if part.startswith("var-")}
    assert asked == variables - {"tenant"}


def test_provisioning_finds_the_dashboards() -> None:
    """Grafana's provisioning reads the folder that the compose file mounts the dashboards into."""
    provisioning = ROOT / "dashboards" / "grafana" / "provisioning"
    provider = yaml.safe_load((provisioning / "dashboards" / "facegauge.yaml").read_text())["providers"][0]
    grafana = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]["grafana"]
    mounted = {volume.split(":")[1] for volume in grafana["volumes"]}
    assert {f"{provider['options']['path']}/{path.name}" for path in BOARDS} <= mounted
    source = yaml.safe_load((provisioning / "datasources" / "facegauge.yaml").read_text())["datasources"][0]
    assert source["url"].strip("${}") in grafana["environment"]
