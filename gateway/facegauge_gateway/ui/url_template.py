"""Links that the page makes, to a dashboard or a runbook: templates of an address."""

from __future__ import annotations

import string
from dataclasses import dataclass
from urllib.parse import urlsplit

from facegauge_gateway.errors import BadConfiguration

__all__ = ["UrlTemplate"]

PLACEHOLDERS = ("call_id", "stream_id", "cause")


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """An address of http or https, with places that the page fills in, percent-encoded."""

    text: str

    @classmethod
    def parse(cls, text: str, flag: str) -> UrlTemplate:
        """Check a template; raises BadConfiguration, which names the flag."""
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        wrong = BadConfiguration(
            f"{flag} wants an address that begins with http:// or https:// and a host, where {known} may"
            f" follow in its path or query: not {text!r}"
        )
        try:
            fields = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
            address = urlsplit(text)
            host = address.hostname
        except ValueError:
            raise wrong from None
        are_known = all(name in PLACEHOLDERS and not (spec or how) for name, spec, how in fields)
        is_plain = text.isprintable() and not set(text) & set(" \"'<>\\`")
        if not (address.scheme in ("http", "https") and host and "{" not in address.netloc):
            raise wrong
        if not (are_known and is_plain):
            raise wrong
        return cls(text)
