"""The address of a webhook: where events may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from facegauge_server.errors import BadConfiguration
from facegauge_server.loopback import is_loopback

__all__ = ["WebhookUrl"]

FLAG = "--webhook-url"


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """An address that has been checked. Only `host` is fit for a log: a path may hold a secret."""

    url: str
    host: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the receiver shows a certificate."""
        return urlsplit(self.url).scheme == "https"

    @classmethod
    def parse(cls, text: str, *, insecure: bool) -> WebhookUrl:
        """Read an address; raises BadConfiguration, as for plain HTTP beyond loopback without `insecure`."""
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
            parts.port  # noqa: B018 - raises for what is no port
        except ValueError as error:
            raise BadConfiguration(f"{FLAG} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise BadConfiguration(f"{FLAG} wants https://HOST/PATH")
        if parts.username is not None or parts.password is not None:
            raise BadConfiguration(f"{FLAG}: no user and password, the signature says who sends")
        if parts.scheme == "http" and not (insecure or is_loopback(host)):
            raise BadConfiguration(
                f"{FLAG} http://{host} would send who is in which call in clear: use https, or "
                "--webhook-insecure where something else encrypts"
            )
        return cls(text, host)
