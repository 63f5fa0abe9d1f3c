"""A log on standard error that cannot fail: a full disk or a closed pipe stops no call."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Self

import structlog

__all__ = ["Log", "configure_log"]


def configure_log(log_format: str) -> None:
    """Write `console` lines or `json` to standard error."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


class Log:
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
            structlog.get_logger(**self._values).info(event, **values)

    def warning(self, event: str, **values: Any) -> None:
        """Log what somebody should know."""
        with contextlib.suppress(Exception):
            structlog.get_logger(**self._values).warning(event, **values)

    def defect(self, event: str, error: BaseException, **values: Any) -> None:
        """Log a defect of the gateway with its traceback."""
        with contextlib.suppress(Exception):
            structlog.get_logger(**self._values).error(event, exc_info=error, **values)
