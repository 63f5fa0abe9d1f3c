"""Seal bytes for one stream, so that only servers with the key open them, for that stream alone.

    version (1 byte) | key id (4) | owner (8) | nonce (12) | AES-256-GCM of the content, with its tag (16)

Each stream has a key of its own, derived from the shared one with HKDF-SHA-256 (RFC 5869), and with it a tag
of its owner: who presents another stream's checkpoint is told so. As no key seals for more than one stream, a
random nonce will do (NIST SP 800-38D allows 2^32 of them a key). What comes before the content is
authenticated with it, and so is the owner in full.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facegauge_server.checkpoints.keys import KEY_ID_BYTES, CheckpointKeys
from facegauge_server.errors import (
    CheckpointDamaged,
    CheckpointForeign,
    CheckpointKeyUnknown,
    CheckpointVersion,
)

__all__ = ["OVERHEAD_BYTES", "VERSION", "Owner", "seal", "unseal"]

VERSION = 1
OWNER_BYTES, NONCE_BYTES, TAG_BYTES, KEY_BYTES = 8, 12, 16, 32
HEADER_BYTES = 1 + KEY_ID_BYTES + OWNER_BYTES
OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
PURPOSE = b"facegauge checkpoint"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose checkpoint it is."""

    tenant: str
    stream_id: str
    call_id: str

    @property
    def octets(self) -> bytes:
        """The owner as bytes; two owners never have the same."""
        names = (self.tenant, self.stream_id, self.call_id)
        parts = [name.encode("utf-8", "surrogatepass") for name in names]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(content: bytes, owner: Owner, keys: CheckpointKeys, now_s: float) -> bytes:
    """Return the content sealed with the newest key; `now_s` is Unix time."""
    key_id, secret = keys.sealing(now_s)
    key, tag = _derive(secret, owner)
    header = bytes([VERSION]) + key_id + tag
    nonce = secrets.token_bytes(NONCE_BYTES)
    return header + nonce + AESGCM(key).encrypt(nonce, content, header + owner.octets)


def unseal(sealed: bytes, owner: Owner, keys: CheckpointKeys) -> bytes:
    """Return the content that `seal` was given for this owner.

    Raises:
        CheckpointVersion: a newer server has sealed it.
        CheckpointKeyUnknown: with a key that is not among these.
        CheckpointForeign: for another owner.
        CheckpointDamaged: it has been altered, or never was a checkpoint.
    """
    if len(sealed) < OVERHEAD_BYTES or sealed[0] == 0:
        raise CheckpointDamaged(
            f"the {len(sealed)} bytes are no checkpoint: send the newest as it came, or begin the stream anew"
        )
    if sealed[0] != VERSION:
        raise CheckpointVersion(
            f"the checkpoint has version {sealed[0]}, this server reads {VERSION}: its operator must finish "
            "the update; meanwhile begin the stream anew"
        )
    header, rest = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    secret = keys.find(header[1 : 1 + KEY_ID_BYTES])
    if secret is None:
        raise CheckpointKeyUnknown(
            "this server does not have the key of the checkpoint: its operator must give all replicas the "
            "same --checkpoint-keys; meanwhile begin the stream anew"
        )
    key, tag = _derive(secret, owner)
    if not hmac.compare_digest(header[1 + KEY_ID_BYTES :], tag):
        raise CheckpointForeign(
            f"the checkpoint is not that of stream {owner.stream_id!r} in call {owner.call_id!r} of this "
            "caller: send each stream's own, or begin the stream anew"
        )
    try:
        return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + owner.octets)
    except InvalidTag:
        raise CheckpointDamaged(
            "the checkpoint has been altered: send the newest one as it came, or begin the stream anew"
        ) from None


def _derive(secret: bytes, owner: Owner) -> tuple[bytes, bytes]:
    """Return a stream's own key, and the tag of its owner."""
    info = PURPOSE + bytes([VERSION]) + owner.octets
    derived = HKDF(SHA256(), KEY_BYTES + OWNER_BYTES, salt=None, info=info).derive(secret)
    return derived[:KEY_BYTES], derived[KEY_BYTES:]
