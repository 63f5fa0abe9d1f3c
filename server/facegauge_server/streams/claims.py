"""Who may go on with a stream that this server has, and from what."""

from __future__ import annotations

from facegauge_server.checkpoints.issuer import CheckpointIssuer, Opened, Owner
from facegauge_server.config import StreamSettings
from facegauge_server.errors import CheckpointReplayed, ResumeRefused, StreamExists
from facegauge_server.streams.session import Session

__all__ = ["knows_more", "open_checkpoint"]


def open_checkpoint(issuer: CheckpointIssuer, settings: StreamSettings, tenant: str) -> Opened | None:
    """Return what the checkpoint that a client presents holds, None where it presents none.

    Raises CheckpointRefused.
    """
    if not settings.checkpoint:
        return None
    return issuer.open(settings.checkpoint, Owner(tenant, settings.stream_id, settings.call_id))


def knows_more(
    held: Session, settings: StreamSettings, issuer: CheckpointIssuer, why_taken: str
) -> Opened | None:
    """Return the checkpoint to go on from instead of this server's session; None to go on with the session.

    The session's own token is the first claim, and the session is fresher than any checkpoint then. A
    checkpoint alone counts where it is the session's newest, or where the stream has gone on elsewhere since.

    Raises StreamExists, with `why_taken`, where the client presents nothing, and ResumeRefused or
    CheckpointRefused where it has no claim.
    """
    tickets = held.tickets
    if settings.resume_token and tickets.accepts(settings.resume_token):
        return None
    opened = open_checkpoint(issuer, settings, held.tenant)
    if opened is None and settings.resume_token:
        raise ResumeRefused(f"the resume token is not that of stream {settings.stream_id!r}")
    if opened is None:
        raise StreamExists(why_taken)
    if tickets.is_of_this_life(opened) and tickets.is_older_than(opened):
        return opened
    if tickets.is_of_this_life(opened) and tickets.is_newest(opened):
        return None
    raise CheckpointReplayed(
        f"stream {settings.stream_id!r} has gone on since this checkpoint: send the newest one, or begin the "
        "stream anew"
    )
