"""A session as a value: what is sealed is what is restored, whatever the stream has been through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_server.checkpoints.issuer import MAX_CHECKPOINT_BYTES, CheckpointIssuer, Opened, Owner
from facegauge_server.checkpoints.keys import CheckpointKeys
from facegauge_server.checkpoints.message import Unreadable, read
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import (
    CheckpointDamaged,
    CheckpointExpired,
    CheckpointForeign,
    CheckpointKeyUnknown,
    CheckpointRefused,
    CheckpointVersion,
)
from facegauge_server.snapshots import SessionSnapshot
from facegauge_server.streams.session import Session
from tests.server.checkpoints.random_sessions import gone_on, sessions

OWNER = Owner("", "a", "")
KEYS = CheckpointKeys(None)


class Wall:
    """A wall clock."""

    now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


def issue(session: Session, now_s: float, issuer: CheckpointIssuer) -> bytes:
    return issuer.issue(session.checkpoints.snapshot(now_s), OWNER)[0]


@settings(deadline=None, max_examples=40)
@given(sessions())
def test_restoring_is_the_identity(drawn: tuple[Session, float]) -> None:
    """What another server makes of a checkpoint is what the checkpoint holds, nothing more and nothing less.

    The first checkpoint rounds; what comes of it is the same again, over any number of servers.
    """
    session, now_s = drawn
    issuer = CheckpointIssuer(KEYS, wall=Wall())
    opened = issuer.open(issue(session, now_s, issuer), OWNER)
    restored = gone_on(opened, issuer, now_s, window=31)
    # Clocks of 1e6 s are no finer than 1e-10 s, and ages are float32.
    assert _with_ages_rounded(restored.checkpoints.snapshot(now_s)) == _with_ages_rounded(opened.snapshot)
    again = issuer.open(issue(restored, now_s, issuer), OWNER)
    assert _with_ages_rounded(again.snapshot) == _with_ages_rounded(opened.snapshot)


def _with_ages_rounded(snapshot: SessionSnapshot) -> SessionSnapshot:
    def rounded(age_s: float | None) -> float | None:
        return None if age_s is None else round(age_s, 3)

    return replace(
        snapshot,
        age_s=round(snapshot.age_s, 3),
        assessed_age_s=round(snapshot.assessed_age_s, 3),
        last_frame_age_s=rounded(snapshot.last_frame_age_s),
        state_times_s=tuple((state, round(spent_s, 3)) for state, spent_s in snapshot.state_times_s),
        smoother=replace(snapshot.smoother, scored_age_s=rounded(snapshot.smoother.scored_age_s)),
        reporter=replace(
            snapshot.reporter,
            poor_s=round(snapshot.reporter.poor_s, 3),
            shed_told_age_s=rounded(snapshot.reporter.shed_told_age_s),
        ),
    )


@settings(deadline=None, max_examples=30)
@given(sessions(max_frames=80))
def test_a_checkpoint_is_bounded(drawn: tuple[Session, float]) -> None:
    """However many faces a stream has, and however long its median: the client carries 8 KiB at most."""
    session, now_s = drawn
    assert len(issue(session, now_s, CheckpointIssuer(KEYS))) <= MAX_CHECKPOINT_BYTES


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_reason(sealed: bytes) -> None:
    """What is no checkpoint of ours is refused, and nothing else is raised."""
    with pytest.raises(CheckpointRefused):
        CheckpointIssuer(KEYS).open(sealed, OWNER)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200))
def test_any_content_is_read_or_refused(content: bytes) -> None:
    """Even bytes that were sealed are not trusted to be a session: another version may have made them."""
    try:
        snapshot, _ = read(content)
    except Unreadable:
        return
    gone_on(Opened(snapshot, 0, 0.0), CheckpointIssuer(KEYS), 0.0)


@settings(deadline=None, max_examples=30)
@given(sessions(max_frames=4), st.data())
def test_a_flipped_bit_is_noticed(drawn: tuple[Session, float], data: st.DataObject) -> None:
    """Wherever it is, the checkpoint is refused."""
    session, now_s = drawn
    issuer = CheckpointIssuer(KEYS)
    sealed = bytearray(issue(session, now_s, issuer))
    position = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(CheckpointRefused):
        issuer.open(bytes(sealed), OWNER)


@pytest.fixture
def sealed() -> bytes:
    return issue(
        Session(StreamSettings(stream_id="a"), Config(), 0.0), 0.0, CheckpointIssuer(KEYS, wall=Wall())
    )


@pytest.mark.parametrize(
    "owner", [Owner("", "b", ""), Owner("t", "a", ""), Owner("", "a", "c"), Owner("a", "", "")]
)
def test_another_streams_is_refused(sealed: bytes, owner: Owner) -> None:
    """A checkpoint is for one stream of one call of one tenant."""
    with pytest.raises(CheckpointForeign, match="send each stream's own"):
        CheckpointIssuer(KEYS, wall=Wall()).open(sealed, owner)


def test_another_servers_key_is_named(sealed: bytes) -> None:
    """Replicas without a shared key cannot take over; it is for their operator to change that."""
    with pytest.raises(CheckpointKeyUnknown, match="--checkpoint-keys"):
        CheckpointIssuer(CheckpointKeys(None), wall=Wall()).open(sealed, OWNER)


def test_a_newer_servers_is_told_apart(sealed: bytes) -> None:
    """In a rolling update that is turned back, the older server says that it is older."""
    with pytest.raises(CheckpointVersion, match="version 2, this server reads 1"):
        CheckpointIssuer(KEYS, wall=Wall()).open(b"\x02" + sealed[1:], OWNER)


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + b"\0", lambda s: s[:40], lambda s: b"\0" + s[1:]]
)
def test_a_damaged_one_is_told_apart(sealed: bytes, change: Callable[[bytes], bytes]) -> None:
    """Cut short, made longer, or altered: send it as it came."""
    with pytest.raises(CheckpointDamaged, match="as it came"):
        CheckpointIssuer(KEYS, wall=Wall()).open(change(sealed), OWNER)


@pytest.mark.parametrize(("age_s", "holds"), [(299.0, True), (301.0, False), (-29.0, True), (-31.0, False)])
def test_an_old_one_has_expired(sealed: bytes, age_s: float, *, holds: bool) -> None:
    """By the wall clock; replicas' clocks may differ by half a minute."""
    wall = Wall()
    wall.now_s += age_s
    issuer = CheckpointIssuer(KEYS, 300.0, wall)
    if holds:
        assert issuer.open(sealed, OWNER).passed_s == pytest.approx(max(0.0, age_s), abs=0.01)
    else:
        with pytest.raises(CheckpointExpired, match="begin the stream anew"):
            issuer.open(sealed, OWNER)


def test_numbers_grow_with_every_checkpoint() -> None:
    """Also where the wall clock stands, or goes back: or a replay could not be told."""
    wall = Wall()
    issuer = CheckpointIssuer(KEYS, wall=wall)
    snapshot = SessionSnapshot(b"12345678")
    numbers = [0]
    for step_s in (0.0, 0.0, -5.0, 9.0):
        wall.now_s += step_s
        numbers.append(issuer.issue(snapshot, OWNER, numbers[-1])[1])
    assert numbers == sorted(set(numbers))
