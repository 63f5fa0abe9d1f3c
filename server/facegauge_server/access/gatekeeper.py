"""Find out who makes a gRPC call: by its bearer token, else by its client certificate.

Knows nothing of gRPC's types: metadata and certificate names come in as plain values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facegauge_server.access.identity import ANYONE, Identity, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.access.tokens import verify_token
from facegauge_server.errors import Unauthenticated

__all__ = ["Gatekeeper"]

SCHEME = "Bearer "
CERTIFICATE_NAMES = ("x509_common_name", "x509_subject_alternative_name")
"""Keys of a certificate's names in gRPC's authentication context; the first name that is there counts."""


class Gatekeeper:
    """Identifies callers.

    - With keys, a call needs a token signed with one of them.
    - Without keys but with client certificates, the certificate's common name, or else its first alternative
      name, is the tenant, with all rights.
    - Without either, everyone is `ANYONE`.
    """

    def __init__(self, keys: KeyFile | None, *, by_certificate: bool = False) -> None:
        self._keys = keys
        self._by_certificate = by_certificate

    @property
    def asks(self) -> bool:
        """Whether callers have to say who they are."""
        return self._keys is not None or self._by_certificate

    def identify(
        self,
        metadata: Iterable[tuple[str, str | bytes]],
        certificate: Mapping[str, Iterable[bytes]],
        now_s: float,
    ) -> Identity:
        """Return who calls.

        Args:
            metadata: of the call; keys in lower case, as gRPC has them.
            certificate: gRPC's authentication context of the connection.
            now_s: monotonic time, seconds.

        Raises:
            Unauthenticated: no token where one is needed, or one that does not hold.
        """
        if self._keys is not None:
            return verify_token(_bearer(metadata), self._keys, now_s)
        if self._by_certificate:
            for name in (name for key in CERTIFICATE_NAMES for name in certificate.get(key, ())):
                if name:
                    return Identity(tenant=name.decode(errors="replace"), rights=frozenset(Right))
            raise Unauthenticated("the client certificate names nobody: its name is the tenant")
        return ANYONE


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for key, value in metadata:
        if key == "authorization":
            if isinstance(value, str) and value.startswith(SCHEME):
                return value.removeprefix(SCHEME)
            raise Unauthenticated("the metadata `authorization` must be `Bearer TOKEN`")
    raise Unauthenticated("this server needs a token: send the metadata `authorization: Bearer TOKEN`")
