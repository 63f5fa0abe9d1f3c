"""Rules and alerts as promtool judges them, and the words that come with them."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from facegauge_server.config import Config
from facegauge_server.kinds import FAULTS, CauseKind
from tests.local_stack import find_program

from .conftest import ROOT, RULE_TESTS, RULES, RUNBOOK, read_alerts, read_rules

ALERTS = [
    pytest.param(alert, id=f"{alert['alert']}-{alert['labels']['severity']}") for alert in read_alerts()
]


def promtool(*arguments: object) -> None:
    command = [find_program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_well_formed() -> None:
    """Promtool accepts them with all its lints."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.timeout(300)  # seconds of promtool alone, minutes on a busy machine
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_rules_pass(path: object) -> None:
    """Alerts start, stay silent and end as their unit tests say."""
    promtool("test", "rules", path)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_tells_what_to_do(alert: dict[str, Any]) -> None:
    """Each has a severity, a scope, a summary, a section of the runbook, and a link to it or a cause's."""
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["labels"]["scope"] in {"stream", "server", "gateway", "fleet"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page == "{{ $externalURL }}/user/runbook.md"
    # What is in braces is looked up: the rules' unit tests say which sections come out.
    assert re.sub(r"{{.*}}", "", anchor, flags=re.DOTALL) in {"", alert["alert"].lower(), *FAULTS}
    assert f"\n## {alert['alert']}\n" in RUNBOOK.read_text()
    if alert["labels"]["scope"] == "stream":
        assert {"call_id", "stream_id"} <= set(
            re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"])
        )


def told_by(name: str) -> list[dict[str, str]]:
    """The annotations that the rules' unit tests want of an alert."""
    return [
        alert["exp_annotations"]
        for path in RULE_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == name
        for alert in case["exp_alerts"]
    ]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_link_leads_to_a_section(alert: dict[str, Any]) -> None:
    """What an alert links to, as its unit tests have it, is a heading of the runbook by GitHub's rules."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = {annotations["runbook_url"].partition("#")[2] for annotations in told_by(alert["alert"])}
    assert links
    assert links <= anchors


@pytest.mark.parametrize("name", ["StreamQualityLow", "FaceAbsent"])
def test_an_alert_about_a_picture_names_its_cause_or_says_that_it_is_not_known(name: str) -> None:
    """Unit tests see both: a cause with a link to its section, and none with a link to the alert's own."""
    known = [told for told in told_by(name) if told["runbook_url"].partition("#")[2] in set(CauseKind)]
    unknown = [told for told in told_by(name) if told not in known]
    assert known
    assert all(told["summary"].endswith("and its cause is not known") for told in unknown)
    assert {told["runbook_url"].partition("#")[2] for told in unknown} == {name.lower()}


def test_the_rules_know_every_cause() -> None:
    """The foremost fault is the server's, and a cause of the picture counts from the server's default on."""
    (main,) = (rule["expr"] for rule in read_rules() if rule.get("record", "").endswith("_cause:main"))
    weights = re.findall(r"(?:(\d) \* )?facegauge_stream_fault{cause=\"(\w+)\"}", main)
    ranked = sorted(weights, key=lambda weight: -int(weight[0] or 1))
    assert [cause for _, cause in ranked] == list(FAULTS)
    least = re.search(r"facegauge_stream_impairment_ratio\[1m\]\) >= (\S+)", main)
    assert least is not None
    assert float(least[1]) == Config().cause_threshold


@pytest.mark.parametrize("cause", CauseKind)
def test_every_cause_has_a_section(cause: CauseKind) -> None:
    """It says what the cause looks like, who usually owns it, and what to check in order."""
    text = RUNBOOK.read_text().partition("## What is wrong, by cause")[2]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(CauseKind)
    text = sections[cause]
    assert "**Looks like**" in text
    assert re.search(r"\*\*Usually\b.*?\b(uplink|camera|room|media server|machine|person)\b", text)
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) >= 3


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_seen_to_start_and_to_end(alert: dict[str, Any]) -> None:
    """A unit test wants each alert to fire at one time, and one wants it gone or silent at another."""
    wanted = [
        bool(case["exp_alerts"])
        for path in RULE_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert["alert"]
    ]
    assert True in wanted
    assert False in wanted


def test_the_table_of_alerts_is_complete() -> None:
    """The dashboards' README and the runbook name exactly the alerts that there are, with their severity."""
    table = (ROOT / "dashboards" / "README.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|", table, re.MULTILINE))
    severities: dict[str, list[str]] = {}
    for alert in read_alerts():
        severities.setdefault(alert["alert"], []).append(alert["labels"]["severity"])
    assert told == {name: ", ".join(found) for name, found in severities.items()}
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)) == sorted(told)


def test_the_runbooks_queries_parse() -> None:
    """Whoever pastes a query of the runbook into Prometheus gets an answer, not a parse error."""
    text = RUNBOOK.read_text()
    blocks = [
        line for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL) for line in block.split("\n")
    ]
    spans = [span for span in re.findall(r"`([^`\n]+)`", text) if re.search(r"[{(]", span)]
    queries = [query for query in (*blocks, *spans) if query and not query.startswith("--")]
    assert len(queries) >= 10
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]})
    done = subprocess.run(
        [find_program("promtool"), "check", "rules", "/dev/stdin"],
        input=file,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
