"""Import a package without a module that it would take if it were there.

OpenVINO imports `openvino_telemetry` where it finds it, which looks up an analytics host as soon as the
process starts; MediaPipe imports `sounddevice`, which starts a compiler to look for an audio library. The
server wants neither: it opens no connection of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["blocked"]


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
