"""Certificates and keys for gRPC and for /metrics, read again when they change on disk.

New connections get the new certificate; those that are open stay as they are.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass

import grpc

from facegauge_server.config import Tls
from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["Certificates"]

FLAG = "--tls-cert, --tls-key and --tls-client-ca"


@dataclass(frozen=True, slots=True)
class _Pem:
    certificate: bytes
    key: bytes
    client_ca: bytes | None


class Certificates:
    """A certificate with its key, and the CA that clients need a certificate of."""

    def __init__(self, tls: Tls) -> None:
        """Read the files; raises BadConfiguration where they are missing or do not fit together."""
        self._tls = tls
        paths = (tls.certificate, tls.key, *([tls.client_ca] if tls.client_ca else []))
        self._pem = WatchedFiles(FLAG, paths, lambda: _read(tls))
        self._given: _Pem | None = None
        self._contexts: list[tuple[ssl.SSLContext, _Pem]] = []

    def reread(self) -> None:
        """Read the files again if one has changed."""
        self._pem.reread()

    def for_grpc(self) -> grpc.ServerCredentials:
        """Return credentials that look for changed files at every handshake."""
        self._given = pem = self._pem.current(time.monotonic())
        return grpc.dynamic_ssl_server_credentials(
            _configuration(pem),
            self._changed_configuration,  # type: ignore[arg-type]  # None says: no change
            pem.client_ca is not None,
        )

    def for_http(self) -> ssl.SSLContext:
        """Return a context that `refresh` keeps up to date; it asks for no client certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._tls.certificate, self._tls.key)
        self._contexts.append((context, self._pem.current(time.monotonic())))
        return context

    def refresh(self, now_s: float) -> None:
        """Load changed files into the contexts for HTTP; `now_s` is monotonic time, seconds."""
        newest = self._pem.current(now_s)
        for index, (context, loaded) in enumerate(self._contexts):
            if newest is not loaded:
                context.load_cert_chain(self._tls.certificate, self._tls.key)
                self._contexts[index] = (context, newest)

    def _changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the new certificate where it has changed since the last handshake; called on any thread."""
        pem = self._pem.current(time.monotonic())
        if pem is self._given:
            return None
        self._given = pem
        return _configuration(pem)


def _configuration(pem: _Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.client_ca)


def _read(tls: Tls) -> _Pem:
    """Read the files and check, before anybody relies on them, that certificate and key fit together."""
    pem = _Pem(
        tls.certificate.read_bytes(),
        tls.key.read_bytes(),
        None if tls.client_ca is None else tls.client_ca.read_bytes(),
    )
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
    except ssl.SSLError as error:
        raise BadConfiguration(
            f"{tls.certificate} and {tls.key} must hold a certificate and its key in PEM, --tls-client-ca a "
            f"certificate: {error}"
        ) from error
    return pem
