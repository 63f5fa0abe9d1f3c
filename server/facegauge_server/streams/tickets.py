"""What a client shows to go on with a stream: a resume token to the server that has it, a checkpoint to any.

A token names the session of this server and is good for one use. A checkpoint brings the session along; this
server takes none that is older than what it knows of the stream.
"""

from __future__ import annotations

import secrets

from facegauge_server.checkpoints.issuer import CheckpointIssuer, Opened, Owner
from facegauge_server.snapshots import SessionSnapshot

__all__ = ["Tickets"]

LIFE_BYTES = 8


class Tickets:
    """The tickets of one session."""

    def __init__(self, issuer: CheckpointIssuer, owner: Owner, opened: Opened | None = None) -> None:
        """Issue tickets for a session.

        Args:
            issuer: makes checkpoints.
            owner: of the session.
            opened: the checkpoint that the session goes on from; None for a new one.
        """
        self._issuer = issuer
        self._owner = owner
        self.token = secrets.token_urlsafe(16)
        """What a connection must present to resume the stream; a new one after each use."""
        self._earlier_token = ""
        self.life = secrets.token_bytes(LIFE_BYTES) if opened is None else opened.snapshot.life
        """Names the stream's life, on whichever servers."""
        self._presented_ms = 0 if opened is None else opened.sealed_ms
        self._issued_ms = self._presented_ms

    def accepts(self, token: str) -> bool:
        """Return whether a resume token is this stream's."""
        is_current = secrets.compare_digest(self.token.encode(), token.encode())
        earlier = self._earlier_token or self.token
        return secrets.compare_digest(earlier.encode(), token.encode()) or is_current

    def renew_token(self) -> None:
        """Replace the resume token; the earlier one holds until a frame shows that the new one arrived."""
        self._earlier_token, self.token = self.token, secrets.token_urlsafe(16)

    def arrived(self) -> None:
        """Note that a frame came, and so that the client has had the answer that carries the new token."""
        self._earlier_token = ""
        self._presented_ms = 0

    def is_of_this_life(self, opened: Opened) -> bool:
        """Return whether a checkpoint is of the same stream, and not of one that had its id before."""
        return opened.snapshot.life == self.life

    def is_older_than(self, opened: Opened) -> bool:
        """Return whether the stream has gone on elsewhere since this server had it."""
        return opened.sealed_ms > self._issued_ms

    def is_newest(self, opened: Opened) -> bool:
        """Return whether a checkpoint is the last one, so that who has it is the stream's client.

        So is the one that the session goes on from, until a frame shows that the client knows of that.
        """
        return opened.sealed_ms in (self._issued_ms, self._presented_ms)

    def issue(self, snapshot: SessionSnapshot) -> bytes:
        """Return a checkpoint; raises TypeError or ValueError for a snapshot that cannot be."""
        checkpoint, self._issued_ms = self._issuer.issue(snapshot, self._owner, self._issued_ms)
        return checkpoint
