"""Each cause, put into a real clip at a known time: from the assessment to the alert, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.fault_clips import read_clip
from facegauge_client import EventKind
from facegauge_server.stages.locate import FaceDetector
from tests.local_stack import compressed_configuration, running_stack

from .caused_calls import CAUSES, COSTS, END_S, FPS, OWN_RULES, START_S, CausedCall, play_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LATEST_S = {"face_cut_off": 2.0}
"""How late a cause may be named, seconds, where it is more than one: boxes stay until the next detection."""
OVER_AFTER_S = 2.5
"""How long after its end a cause may be named: two seconds are the least, and half a second must be well."""
STEP_S = 0.4
"""Longest time between two frames, which a length of time may be off by: that of the slow camera."""
SHIPPED = {
    "stopped": "StreamFrozen",
    "standing": "StreamFrozen",
    "black": "StreamBlack",
    "covered": "StreamCovered",
    **dict.fromkeys(("compression", "resolution", "blur", "noise", "exposure"), "StreamQualityLow"),
}


@pytest.fixture(scope="module")
def calls(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CausedCall]:
    """All of them, played once to a server whose student names causes, with the committed rules."""
    from skimage import data

    clip = read_clip(shared_dir / "videos" / "lipnet-bbaf2n.mpg", FPS)
    with FaceDetector() as detector:
        face = detector.detect(clip[0].pixels)[0]
    folder = tmp_path_factory.mktemp("causes")
    environment = compressed_configuration(folder)
    (folder / "rules" / "own.yaml").write_text(json.dumps(OWN_RULES))  # JSON is YAML
    config = folder / "prometheus.yml"
    config.write_text(config.read_text().replace("200ms", "1s"))  # or a busy machine misses scrapes
    held = ("--stale-after", "300", "--idle-timeout", "300")
    flags = ("--model", "facegauge-accurate", "--precision", "f32", *held)
    with running_stack(*flags, **environment) as stack:
        return play_all(stack, clip, face, np.asarray(data.rocket(), np.uint8), SHIPPED)


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_told_from_the_assessment_to_the_alert(calls: dict[str, CausedCall], name: str) -> None:
    """It begins within a second and ends, alone; series, events, summary and alerts say the same."""
    call = calls[name]
    first_s = END_S if name == "stopped" else START_S  # a gap shows as it ends
    named_s = [at_s for at_s, one in call.assessments if call.names(one)]
    assert first_s <= min(named_s) <= first_s + LATEST_S.get(name, 1.0)
    assert END_S <= max(named_s) <= END_S + OVER_AFTER_S
    for at_s, one in call.assessments:
        faults = {cause.kind for cause in one.causes if cause.cost is None}
        assert faults == ({call.kind} if call.is_fault and call.names(one) else set())
        if not first_s <= at_s <= END_S + OVER_AFTER_S:
            assert one.main_cause is None
        elif one.main_cause is not None:
            assert call.is_fault or call.names(one)  # a face that is pushed out has a picture too
            assert (one.main_cause.cost is None) != (one.main_cause.value is None)
            assert one.main_cause.threshold is not None

    assert call.series[call.kind] == 1.0 if call.is_fault else call.series[call.kind] >= COSTS
    assert max(call.series, key=call.series.__getitem__) == call.kind

    (began,), (ended,) = (
        [one for one in call.events if one.kind is kind and one.cause and one.cause.kind is call.kind]
        for kind in (EventKind.CAUSE_BEGAN, EventKind.CAUSE_ENDED)
    )
    assert began.sequence < ended.sequence
    lasted_s = pytest.approx(max(named_s) - min(named_s), abs=STEP_S)
    assert ended.duration_s == lasted_s
    gap_s = END_S - START_S if name == "stopped" else 0.0  # its seconds are those of the frame that ends it
    assert call.times_s[call.kind] - gap_s == lasted_s
    everywhere_s = sum(one.times_s.get(call.kind, 0.0) for one in calls.values())
    assert call.fleet_s == pytest.approx(everywhere_s)

    assert call.alerts[call.own_alert]["labels"]["cause"] == call.kind
    if name in SHIPPED:
        summary = call.alerts[SHIPPED[name]]["annotations"]["summary"]
        assert summary.startswith(f"Call causes, stream {name} ")
        assert call.is_fault or f": {name} costs 0." in summary
