"""A blocked module cannot be imported, and only for as long as it is blocked."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from facegauge_server.block_import import blocked, replaced_by_empty

ABSENT = "facegauge_no_such_package"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that can be imported and has not been."""
    (tmp_path / "facegauge_block_probe.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "facegauge_block_probe", raising=False)
    return "facegauge_block_probe"


def test_what_is_blocked_is_not_there(module: str) -> None:
    """An import raises ImportError, as for a package that is not installed; afterwards it works."""
    with blocked(module), pytest.raises(ImportError):
        importlib.import_module(module)
    assert importlib.import_module(module).ANSWER == 42


def test_what_is_imported_already_stays(module: str) -> None:
    """A module that somebody has is not taken away."""
    imported = importlib.import_module(module)
    with blocked(module):
        assert importlib.import_module(module) is imported
    assert sys.modules[module] is imported


def test_the_block_ends_with_an_exception(module: str) -> None:
    """An error inside leaves nothing blocked."""
    with pytest.raises(RuntimeError, match="inside"), blocked(module):
        raise RuntimeError("inside")
    assert importlib.import_module(module).ANSWER == 42


@pytest.mark.parametrize("module", ["openvino_telemetry", "sounddevice"])
def test_the_server_runs_without_what_it_blocks(module: str) -> None:
    """Neither OpenVINO's analytics nor MediaPipe's search for an audio library is loaded with the stages."""
    importlib.import_module("facegauge_server.engines.openvino")
    importlib.import_module("facegauge_server.stages.locate")
    assert module not in sys.modules


def test_an_absent_module_is_replaced_by_an_empty_one_until_the_block_ends() -> None:
    """`import a.b as c` works inside the block without the package, and fails behind it as it did before."""
    with replaced_by_empty(f"{ABSENT}.part"):
        names: dict[str, object] = {}
        exec(f"import {ABSENT}.part as part", names)  # noqa: S102 - an import of what mypy cannot find
        assert getattr(names["part"], "__name__", None) == f"{ABSENT}.part"
    assert not any(name.startswith(ABSENT) for name in sys.modules)
    with pytest.raises(ModuleNotFoundError):
        __import__(ABSENT)


def test_the_detector_imports_neither_matplotlib_nor_an_audio_library() -> None:
    """A process that finds faces has loaded one cv2, no matplotlib, no sounddevice, no telemetry."""
    unwanted = ("matplotlib", "sounddevice", "openvino_telemetry", "torch")
    program = (
        "import sys, facegauge_server.stages.locate as locate\n"
        "locate.FaceDetector().close()\n"
        f"print(*(name for name in {unwanted} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
