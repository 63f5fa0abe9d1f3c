"""Write the dashboards:  uv run --group dev python -m dashboards.generator [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.generator.call import call
from dashboards.generator.fleet import fleet
from dashboards.generator.gateway import gateway
from dashboards.generator.replicas import replicas
from dashboards.generator.service import service

COMMITTED = Path(__file__).parents[1] / "grafana"


def main(folder: Path) -> None:
    """Write each dashboard to its file in the folder."""
    boards = {
        "fleet": fleet,
        "call": call,
        "replicas": replicas,
        "service": service,
        "gateway": gateway,
    }
    for name, build in boards.items():
        board = build().build()
        for number, panel in enumerate(board.panels or [], start=1):
            panel.id_val = number
        (folder / f"{name}.json").write_text(JSONEncoder(sort_keys=True, indent=2).encode(board) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else COMMITTED)
