"""Rules and alerts as promtool judges them, and the words that come with them."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.local_stack import find_program

from .conftest import ROOT, RULE_TESTS, RULES, RUNBOOK, read_alerts

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
    """Each has a severity, a scope, a summary, and a link to its own section of the runbook."""
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["labels"]["scope"] in {"stream", "server", "gateway", "fleet"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page == "{{ $externalURL }}/user/runbook.md"
    assert anchor == alert["alert"].lower()
    assert f"\n## {alert['alert']}\n" in RUNBOOK.read_text()
    if alert["labels"]["scope"] == "stream":
        assert {"call_id", "stream_id"} <= set(
            re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"])
        )


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
