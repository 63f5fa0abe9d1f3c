"""The generated code in the repository is what the .proto file says."""

import shutil
import subprocess
import sys
from pathlib import Path

PROTO = Path(__file__).parents[2] / "proto"


def test_generated_code_is_current(tmp_path: Path) -> None:
    """Generating again changes nothing: whoever edits the .proto runs proto/generate.sh."""
    copy = tmp_path / "proto"
    shutil.copytree(PROTO, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run([copy / "generate.sh"], check=True, env={"PATH": path})
    for generated in sorted(PROTO.glob("facegauge/v*/*_pb2*")):
        assert generated.read_text() == (copy / generated.relative_to(PROTO)).read_text(), generated.name


def test_the_interface_keeps_its_promises() -> None:
    """The .proto file passes buf's standard lint and breaks nothing of the released interface."""
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([buf, "lint"], check=True, cwd=PROTO)
    subprocess.run([buf, "breaking", "--against", "released.binpb"], check=True, cwd=PROTO)
