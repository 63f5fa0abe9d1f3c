"""Settings of the page."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_gateway.ui.url_template import UrlTemplate

__all__ = ["UiSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UiSettings:
    """What the page links to, and how much it may bring."""

    dashboard_url: UrlTemplate | None = None
    runbook_url: UrlTemplate | None = None
    max_clip_bytes: int = 500 * 10**6
    max_clips: int = 4
    """Clips that are uploaded or play at a time."""
    max_readers: int = 128
    """Pages that may read live data at a time; a page takes one to three."""
