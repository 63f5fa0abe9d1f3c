"""What one stream has come to, counted since its start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Statistics"]


@dataclass(slots=True)
class Statistics:
    """Counters of one SSRC; a packet that is received is at most one of late, duplicate and misplaced."""

    packets: int = 0
    bytes: int = 0
    """Of payloads."""
    lost: int = 0
    """Given up after the wait for them."""
    late: int = 0
    """Came after that: `lost - late` never came."""
    duplicates: int = 0
    misplaced: int = 0
    """Too far from the sequence to belong to it: ancient, replayed, or of nobody."""
    retransmitted: int = 0
    """Packets that came again: asked for, or in place of padding."""
    restarts: int = 0
    """Sequences that the sender began anew."""
    other_payloads: int = 0
    """Packets of a payload type that no codec has: retransmission, error correction, audio."""
    jitter_s: float = 0.0
    """RFC 3550, 6.4.1."""
    units: int = 0
    """Given out."""
    keyframes: int = 0
    units_broken: int = 0
    """Not given out, since packets of theirs are missing or make no unit."""
    units_left_out: int = 0
    """Not given out, since pictures of an upper layer that they depend on are missing."""
    breaks: int = 0
    """Times that nothing could be decoded any more before another keyframe."""
    bad: Counter[str] = field(default_factory=Counter)
    """Units that could not be put together, by `BadPacket.reason`."""
    last_fault: str = ""
    """What was wrong with the last of them, in words."""
    plis: int = 0
    """Keyframes asked for."""
    plis_unanswered: int = 0
    """Of these, those since the last keyframe."""
    nacks: int = 0
    """Requests for packets that were missing."""
    reports: int = 0
    """Receiver reports sent."""
