"""A replay as one HTML page: `recorder` collects while it plays, `page` writes, `chart` draws."""

from __future__ import annotations

from facegauge_client.report.page import Session, write_page
from facegauge_client.report.recorder import Moment, Point, Recorder

__all__ = ["Moment", "Point", "Recorder", "Session", "write_page"]
