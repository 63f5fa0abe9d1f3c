"""Checkpoints that earlier versions have sealed: a rolling update has both side by side.

`version_N` holds one, with its key, as it was made when version N was new. It is never made again: where it
no longer opens, streams lose their past in the next update.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_server.checkpoints.issuer import CheckpointIssuer, Owner
from facegauge_server.checkpoints.keys import CheckpointKeys
from facegauge_server.config import Config, StreamSettings
from facegauge_server.kinds import CauseKind, FrameResult, QualityBand, StreamState
from facegauge_server.streams.session import Session

SEALED_S = 1_764_400_000.0


def test_a_checkpoint_of_version_1_opens() -> None:
    """Two faces, causes of the picture, and a fault; and it is told of none of them again."""
    folder = Path(__file__).parent / "version_1"
    issuer = CheckpointIssuer(CheckpointKeys(folder / "keys.json"), wall=lambda: SEALED_S + 5)
    opened = issuer.open((folder / "checkpoint.bin").read_bytes(), Owner("acme", "alice/camera", "standup"))
    session = Session(
        StreamSettings(stream_id="alice/camera", call_id="standup"),
        Config(),
        100.0,
        "acme",
        issuer=issuer,
        opened=opened,
    )
    assert session.quality.state is StreamState.SCORED
    assert session.quality.quality == pytest.approx(0.6594, abs=1e-4)
    assert [cause.kind for cause in session.quality.causes] == [
        CauseKind.FACE_CUT_OFF,
        CauseKind.COMPRESSION,
        CauseKind.BLUR,
        CauseKind.NOISE,
    ]
    assert session.frames == {FrameResult.SCORED: 31}
    assert (session.last_sequence, session.last_capture_time_s) == (30, 6.0)
    assert session.started_s == pytest.approx(100.0 - 5 - 6, abs=0.01)
    assert session.traffic.received_bytes == 155_000
    assert [track.track_id for track in session.tracker.snapshot.tracks] == [1, 2]
    assert opened.snapshot.reporter.band is QualityBand.FAIR
    summary = session.summary(100.0)
    assert summary.mean_quality == pytest.approx(0.6565, abs=1e-4)
    assert summary.p10_quality == pytest.approx(0.652, abs=1e-3)
    assert summary.cause_times_s[CauseKind.COMPRESSION] == pytest.approx(6.0)
