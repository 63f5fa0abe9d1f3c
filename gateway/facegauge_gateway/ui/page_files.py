"""The page's files: read once, found by their name in a table, so that no path leads anywhere else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

__all__ = ["PageFiles"]

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
}
"""A file with another suffix is not served."""


@dataclass(frozen=True, slots=True)
class _PageFile:
    body: bytes
    content_type: str
    etag: str

    async def respond(self, request: web.Request) -> web.Response:
        known = request.if_none_match or ()
        headers = {"Cache-Control": "no-cache", "ETag": f'"{self.etag}"'}
        if any(tag.value in (self.etag, "*") for tag in known):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers={**headers, "Content-Type": self.content_type})


class PageFiles:
    """Routes of the page: / and /assets/NAME."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the folder."""
        self._files = {
            file.relative_to(folder).as_posix(): _read(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.suffix in CONTENT_TYPES
        }

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application that has not started."""
        app.router.add_get("/", self._index())
        app.router.add_get("/assets/{name:.+}", self._asset)

    def _index(self) -> Handler:
        return self._files[INDEX].respond

    async def _asset(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound(text="the page has no such file: reload it\n")
        return await file.respond(request)


def _read(file: Path) -> _PageFile:
    body = file.read_bytes()
    return _PageFile(body, CONTENT_TYPES[file.suffix], hashlib.sha256(body).hexdigest()[:32])
