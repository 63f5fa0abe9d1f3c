"""A log that cannot fail: the service continues when it cannot be written (full disk, closed pipe)."""

from __future__ import annotations

import contextlib
from typing import Any, Self

import structlog

__all__ = ["SafeLog"]


class SafeLog:
    """A structlog logger whose methods never raise."""

    def __init__(self, **values: Any) -> None:
        """Bind `values` to every line."""
        self._values = values

    def bind(self, **values: Any) -> Self:
        """Return a log with more values on every line."""
        return type(self)(**{**self._values, **values})

    def info(self, event: str, **values: Any) -> None:
        """Log what happened."""
        with contextlib.suppress(Exception):
            self._logger().info(event, **values)

    def warning(self, event: str, **values: Any) -> None:
        """Log what somebody should know."""
        with contextlib.suppress(Exception):
            self._logger().warning(event, **values)

    def error(self, event: str, **values: Any) -> None:
        """Log what somebody must see to."""
        with contextlib.suppress(Exception):
            self._logger().error(event, **values)

    def defect(self, event: str, error: BaseException, **values: Any) -> None:
        """Log a defect with its traceback."""
        with contextlib.suppress(Exception):
            self._logger().error(event, exc_info=error, **values)

    def _logger(self) -> structlog.typing.WrappedLogger:
        return structlog.get_logger(**self._values)
