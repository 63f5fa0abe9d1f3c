"""Compile networks with OpenVINO, or load what was compiled before in a fifth of the time.

OpenVINO must not be forked once it has compiled anything (its threads do not follow), so every worker
process loads its networks itself. What one process compiled, `recording` collects as bytes, and `reuse` lets
another process of the same machine and version start from them.

Source: OpenVINO's `CompiledModel.export_model` and `Core.import_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facegauge_server.block_import import blocked

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["compile_or_load", "recording", "reuse"]

_compiled_before: dict[str, bytes] = {}
_recorded: dict[str, bytes] | None = None


def compile_or_load(
    name: str, read: Callable[[], openvino.Model | Path], settings: Mapping[str, Any]
) -> openvino.CompiledModel:
    """Return a network ready to run on the CPU.

    Args:
        name: stands for the network and its precision, alike in all processes.
        read: returns the network, or its file; called only if it must be compiled.
        settings: OpenVINO's properties.

    Raises:
        RuntimeError: from OpenVINO, for a network that it cannot compile.
    """
    core = openvino.Core()
    if name in _compiled_before:
        return core.import_model(_compiled_before[name], "CPU", dict(settings))
    network = core.compile_model(read(), "CPU", dict(settings))
    if _recorded is not None:
        _recorded[name] = network.export_model().getvalue()
    return network


@contextmanager
def recording() -> Iterator[dict[str, bytes]]:
    """Collect by name what is compiled while the block runs."""
    global _recorded  # whoever makes a detector or an engine does not know of processes
    recorded: dict[str, bytes] = {}
    _recorded = recorded
    try:
        yield recorded
    finally:
        _recorded = None


def reuse(recorded: Mapping[str, bytes]) -> None:
    """Let `compile_or_load` start from what `recording` collected."""
    _compiled_before.update(recorded)
