"""The rules of dashboards/rules as the Prometheus Operator takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["prometheus_rule"]


def prometheus_rule(folder: Path) -> str:
    """Return a PrometheusRule in YAML with all groups of a folder's files, in the order of their names."""
    groups: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yaml")):
        groups += yaml.safe_load(path.read_text())["groups"]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "facegauge"},
        "spec": {"groups": groups},
    }
    return yaml.dump(rule, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, and everything in full, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's name
        """Return whether a value is written again instead of pointed to: always."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
