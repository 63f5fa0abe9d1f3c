"""Addresses that the gateway listens on, and who may send to them."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from facegauge_gateway.errors import BadConfiguration

__all__ = ["Address", "AllowedSources", "Network", "parse_network"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, flag: str) -> Address:
        """Read `HOST:PORT`, IPv6 hosts in brackets; raises BadConfiguration, which names the flag."""
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise BadConfiguration(f"{flag} wants HOST:PORT with a port from 0 to 65535, not {text!r}")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def with_port(self, port: int) -> Address:
        """Return the same host with another port."""
        return replace(self, port=port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_network(text: str, flag: str) -> Network:
    """Read a network such as 10.0.0.0/8, or one address; raises BadConfiguration, which names the flag."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise BadConfiguration(f"{flag} wants a network such as 10.0.0.0/8: {error}") from None


class AllowedSources:
    """Networks that may send; without any, everybody who reaches the port."""

    REMEMBERED = 1024

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._is_allowed = functools.lru_cache(self.REMEMBERED)(self._look_up)

    def allow(self, host: str) -> bool:
        """Whether packets from this address, as a socket tells it, are taken."""
        return not self._networks or self._is_allowed(host)

    def _look_up(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)
