"""Defects of ours: counted, logged once with an id, and answered with the id alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from facegauge_server.safe_log import SafeLog

__all__ = ["Defects"]


class Defects:
    """Notes exceptions that nobody raises on purpose."""

    def __init__(self, count: Callable[[str], None], log: SafeLog | None = None) -> None:
        """Note defects.

        Args:
            count: called with the stage that each defect was met in.
            log: gets the traceback.
        """
        self._count = count
        self._log = log or SafeLog()

    def note(self, stage: str, error: BaseException, **values: object) -> str:
        """Count and log a defect; return what the caller is answered."""
        error_id = secrets.token_hex(8)
        self._count(stage)
        self._log.defect("internal error", error, error_id=error_id, stage=stage, **values)
        return f"internal error {error_id}: the server's log explains it under this id"
