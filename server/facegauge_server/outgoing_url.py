"""Addresses that the server itself opens connections to, each because the operator named it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from facegauge_server.errors import BadConfiguration
from facegauge_server.loopback import is_loopback

__all__ = ["OutgoingUrl"]


@dataclass(frozen=True, slots=True)
class OutgoingUrl:
    """An address that has been checked. Only `host` is fit for a log: a path may hold a secret."""

    url: str
    host: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the receiver shows a certificate."""
        return urlsplit(self.url).scheme == "https"

    @classmethod
    def parse(cls, text: str, flag: str, insecure_flag: str, *, insecure: bool) -> OutgoingUrl:
        """Read an address; raises BadConfiguration, as for plain HTTP beyond loopback without `insecure`."""
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
            parts.port  # noqa: B018 - raises for what is no port
        except ValueError as error:
            raise BadConfiguration(f"{flag} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise BadConfiguration(f"{flag} wants https://HOST, and a port or a path where there is one")
        if parts.username is not None or parts.password is not None:
            raise BadConfiguration(f"{flag}: no user and password, they would stand in lists of processes")
        if parts.scheme == "http" and not (insecure or is_loopback(host)):
            raise BadConfiguration(
                f"{flag} http://{host} would send who is in which call in clear: use https, or "
                f"{insecure_flag} where something else encrypts"
            )
        return cls(text, host)
