"""A replay as one HTML page.

`recorder` collects while it plays, into `track` (the scores) and `moments` (the worst, with `thumbnail`).
`page` and `summary` fill in the templates beside them (`*.html.j2`); `chart` and `strip` draw.
"""

from __future__ import annotations

from facegauge_client.report.page import write_page
from facegauge_client.report.played import Played, Session
from facegauge_client.report.recorder import Recorder

__all__ = ["Played", "Recorder", "Session", "write_page"]
