"""The metadata that names a call's stream to a proxy, which sees headers and not messages."""

from __future__ import annotations

import string
from urllib.parse import quote

from facegauge_client.sdk.token import Metadata

__all__ = ["STREAM_ID_HEADER", "stream_metadata"]

STREAM_ID_HEADER = "facegauge-stream-id"
"""Key of the metadata: what a proxy hashes so that a stream finds its replica again."""
LONGEST = 1024
"""Characters; a longer value, of an id that no server takes, is cut there so that the server can say so."""
_SAFE = string.punctuation.replace("%", "")


def stream_metadata(stream_id: str) -> Metadata:
    """Return the metadata of a MonitorStream call on a stream, any id of which fits a header.

    Printable ASCII stands for itself, other than the percent sign. That, blanks, control characters and what
    is beyond ASCII are percent-encoded as UTF-8 (RFC 3986), so that different ids stay different:
    `alice/camera-1` is sent as it is, `Zoë 1` as `Zo%C3%AB%201`. The server reads the id from the
    StreamConfig, never from here.
    """
    return ((STREAM_ID_HEADER, quote(stream_id, safe=_SAFE, errors="surrogatepass")[:LONGEST]),)
