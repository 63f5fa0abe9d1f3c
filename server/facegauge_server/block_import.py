"""Import a package without a module that it would import and that the server has no use for.

OpenVINO imports `openvino_telemetry` where it finds it, which looks up an analytics host as soon as the
process starts; MediaPipe imports `sounddevice`, which starts a compiler to look for an audio library, and
from 0.10.32 on matplotlib, which it needs only to draw landmarks and does not start without. The server
wants none of them: it opens no connection of its own, and it installs without matplotlib.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["blocked", "replaced_by_empty"]


@contextmanager
def blocked(module: str) -> Iterator[None]:
    """Make `import module` raise ImportError while the block runs; harmless where it is imported already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # how Python itself spells "not importable"
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def replaced_by_empty(module: str) -> Iterator[None]:
    """Make `import module` give an empty module while the block runs; harmless where it is imported already.

    For what a package imports unconditionally: there `blocked` would end in an ImportError.

    Args:
        module: may be dotted, "matplotlib.pyplot"; its parents are replaced with it.
    """
    parts = module.split(".")
    names = [".".join(parts[: count + 1]) for count in range(len(parts))]
    if names[0] in sys.modules:
        yield
        return
    sys.modules.update((name, ModuleType(name)) for name in names)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
