"""Write what deploy/kubernetes has of other files: uv run --group dev python -m deploy.generator [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.generator.prometheus_rule import prometheus_rule

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
HEADER = "# Written by `python -m deploy.generator` from {}: change it there.\n"


def main(folder: Path) -> None:
    """Write each file to its place in the folder, which is laid out as deploy/kubernetes."""
    rules = ROOT / "dashboards" / "rules"
    target = folder / "components" / "monitoring" / "prometheus-rules.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(HEADER.format("dashboards/rules") + prometheus_rule(rules))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else KUBERNETES)
