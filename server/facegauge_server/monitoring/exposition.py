"""The metrics as text, made once for all who ask within a moment."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

__all__ = ["Exposition"]

MAX_AGE_S = 0.25
"""How old the text may be that a scraper gets."""


class Exposition:
    """Renders a registry in the format that a scraper accepts.

    Rendering hundreds of streams takes tens of milliseconds, so it runs in a thread, one at a time, and
    scrapers that ask at the same moment share the result.
    """

    def __init__(self, registry: CollectorRegistry, max_age_s: float = MAX_AGE_S) -> None:
        self._registry = registry
        self._max_age_s = max_age_s
        self._rendering = asyncio.Lock()
        self._rendered: dict[str, tuple[float, bytes]] = {}

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Return the text and its content type, for the value of an HTTP `Accept` header."""
        encode, content_type = choose_encoder(accept)
        async with self._rendering:
            now_s = asyncio.get_running_loop().time()
            rendered_s, text = self._rendered.get(content_type, (-self._max_age_s, b""))
            if now_s - rendered_s >= self._max_age_s:
                text = await asyncio.to_thread(encode, self._registry)
                self._rendered[content_type] = (asyncio.get_running_loop().time(), text)
        return text, content_type
