"""Write what deploy/kubernetes has of other files: uv run --group dev python -m deploy.generator [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.generator.envoy import envoy_config, envoy_secrets
from deploy.generator.prometheus_rule import prometheus_rule

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
HEADER = "# Written by `python -m deploy.generator` from {}: change it there.\n"


def main(folder: Path) -> None:
    """Write each file to its place in the folder, which is laid out as deploy/kubernetes."""
    envoy = ROOT / "deploy" / "envoy"
    files = {
        "components/monitoring/prometheus-rules.yaml": (
            "dashboards/rules",
            prometheus_rule(ROOT / "dashboards" / "rules"),
        ),
        "base/envoy/envoy.yaml": ("deploy/envoy/envoy.yaml", envoy_config(envoy / "envoy.yaml")),
        "base/envoy/certificate.yaml": (
            "deploy/envoy/certificate.yaml",
            (envoy / "certificate.yaml").read_text(),
        ),
    }
    for name, text in envoy_secrets().items():
        files[f"base/envoy/{name}"] = ("deploy/generator/envoy.py", text)
    for name, (source, text) in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(HEADER.format(source) + text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else KUBERNETES)
