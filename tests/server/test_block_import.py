"""A blocked module cannot be imported, and only for as long as it is blocked."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from facegauge_server.block_import import blocked


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
