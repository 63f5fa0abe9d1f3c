"""The JSON form of the values."""

from __future__ import annotations

import json

from facegauge.v1 import quality_pb2 as pb
from facegauge_client import (
    Assessment,
    Box,
    Cause,
    CauseKind,
    CauseTime,
    Face,
    FaceState,
    FrameResult,
    Model,
    MosEstimate,
    ServerInfo,
    StateTime,
    StreamList,
    StreamState,
    Summary,
)
from facegauge_client.sdk.proto_codec import read_assessment, read_response, read_stream_list
from facegauge_client.sdk.types import StreamStatus


def test_json_has_short_enums_prints_defaults_and_leaves_out_what_is_unset() -> None:
    """`scored`, not STREAM_STATE_SCORED; frames_dropped 0 is printed; what is missing is absent."""
    face = Face(1, Box(1.0, 2.0, 3.0, 4.0), FaceState.TOO_SMALL, short_side_px=3.0)
    assessment = Assessment(
        "a", 7, result=FrameResult.TOO_SMALL, state=StreamState.FACE_TOO_SMALL, faces=(face,)
    )
    assert json.loads(assessment.to_json()) == {
        "stream_id": "a",
        "sequence": 7,
        "result": "too_small",
        "state": "face_too_small",
        "faces": [
            {
                "track_id": 1,
                "box": {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0},
                "state": "too_small",
                "short_side_px": 3.0,
                "causes": [],
            }
        ],
        "frames_dropped": 0,
        "error": "",
        "frames_skipped": 0,
        "causes": [],
        "frames_not_decoded": 0,
        "frame_width": 0,
        "frame_height": 0,
    }


def test_causes_are_read_with_their_figures() -> None:
    """What costs nothing says 0, what nobody knows is absent, and a kind of a later server is unspecified."""
    blur = pb.Cause(kind=pb.CAUSE_KIND_BLUR, cost=0.25, threshold=0.1)
    later = pb.Cause(kind=99, value=3.0, threshold=2.0)  # type: ignore[arg-type]
    free = pb.Cause(kind=pb.CAUSE_KIND_LOSS, cost=0.0, threshold=0.1)
    message = pb.Assessment(causes=[blur, later, free], main_cause=blur, faces=[pb.Face(causes=[blur])])
    assessment = read_assessment(message)
    assert [cause.kind for cause in assessment.causes] == [
        CauseKind.BLUR,
        CauseKind.UNSPECIFIED,
        CauseKind.LOSS,
    ]
    assert [cause.is_named for cause in assessment.causes] == [True, True, False]
    assert assessment.main_cause == assessment.causes[0] == assessment.faces[0].causes[0]
    assert assessment.to_dict()["main_cause"] == {"kind": "blur", "cost": 0.25, "threshold": 0.1}
    assert assessment.to_dict()["causes"][2] == {"kind": "loss", "cost": 0.0, "threshold": 0.1}


def test_nothing_is_named_that_costs_more_than_is_missing() -> None:
    """Of a face as of the stream, however dear it is said to be; a fault is named whatever the score."""
    blur, noise = (
        Cause(kind, cost, threshold=0.1) for kind, cost in ((CauseKind.BLUR, 0.2), (CauseKind.NOISE, 0.05))
    )
    black = Cause(CauseKind.BLACK, value=0.99, threshold=0.98)
    assert Face(quality=0.5, causes=(blur, noise)).named_causes == (blur,)
    assert Face(quality=0.95, causes=(blur, noise)).named_causes == ()
    assert Assessment(quality=0.95, causes=(black, blur)).named_causes == (black,)
    assert Assessment(causes=(black, blur)).named_causes == (black, blur)
    assert "named_causes" not in Face(causes=(blur,)).to_dict()


def test_an_older_server_names_nothing() -> None:
    """No cause, no opinion score, no model: absent in JSON too."""
    assessment = read_assessment(pb.Assessment(quality=0.5))
    assert (assessment.causes, assessment.main_cause) == ((), None)
    assert not {"main_cause", "mos_estimate", "model"} & assessment.to_dict().keys()


def test_the_opinion_score_and_what_scored() -> None:
    """They stand in the JSON line, which `facegauge calibrate` reads."""
    message = pb.Assessment(
        mos_estimate=pb.MosEstimate(value=3.0, low=2.5, high=3.5), model=pb.Model(name="tiny", sha256="ab")
    )
    line = read_assessment(message).to_dict()
    assert line["mos_estimate"] == {"value": 3.0, "low": 2.5, "high": 3.5}
    assert line["model"] == {"name": "tiny", "sha256": "ab"}


def test_the_main_face_is_the_one_that_the_server_names() -> None:
    """It is printed where it is known; without a name the largest stands in, and none where it is gone."""
    message = pb.Assessment(faces=[pb.Face(track_id=7), pb.Face(track_id=3)], main_track_id=3)
    assessment = read_assessment(message)
    assert assessment.main_face == assessment.faces[1]
    assert assessment.to_dict()["main_track_id"] == 3
    message.main_track_id = 9
    assert read_assessment(message).main_face is None
    message.ClearField("main_track_id")
    assert read_assessment(message).main_face == assessment.faces[0]
    assert "main_track_id" not in read_assessment(message).to_dict()
    assert read_assessment(pb.Assessment()).main_face is None


def test_a_summary_lists_its_state_times() -> None:
    """Nested values are printed by the same rules."""
    summary = Summary("a", 0.5, state_times=(StateTime(StreamState.SCORED, 2.0),))
    assert summary.to_dict()["state_times"] == [{"state": "scored", "seconds": 2.0}]
    assert "p10_quality" not in summary.to_dict()


def test_every_cause_of_the_interface_is_known() -> None:
    """What this version's server names, its client calls by its name."""
    numbers = pb.CauseKind.values()
    causes = read_assessment(pb.Assessment(causes=[pb.Cause(kind=number) for number in numbers])).causes
    assert sorted(cause.kind for cause in causes) == sorted(CauseKind)


def test_our_fields_are_the_interfaces() -> None:
    """Every message's fields stand in its value under the same names, in the same order."""
    for message, value in (
        (pb.Assessment, Assessment),
        (pb.Face, Face),
        (pb.Box, Box),
        (pb.Cause, Cause),
        (pb.MosEstimate, MosEstimate),
        (pb.Model, Model),
        (pb.StreamSummary, Summary),
        (pb.StateTime, StateTime),
        (pb.CauseTime, CauseTime),
        (pb.StreamStatus, StreamStatus),
        (pb.ServerInfo, ServerInfo),
        (pb.ListStreamsResponse, StreamList),
        (pb.WatchStreamsResponse, StreamList),
    ):
        assert list(value.__dataclass_fields__) == [field.name for field in message.DESCRIPTOR.fields]


def test_every_enum_value_of_the_interface_has_its_short_form() -> None:
    """Nothing that this version's server says is read as unspecified."""
    for kind, names, prefix in (
        (StreamState, pb.StreamState, "STREAM_STATE_"),
        (FaceState, pb.FaceState, "FACE_STATE_"),
        (FrameResult, pb.FrameResult, "FRAME_RESULT_"),
        (CauseKind, pb.CauseKind, "CAUSE_KIND_"),
    ):
        assert {name.removeprefix(prefix).lower() for name in names.keys()} == set(kind)  # noqa: SIM118


def test_what_a_newer_server_says_does_not_break_this_client() -> None:
    """An enum value or a kind of message from the future is unspecified, or passed over."""
    message = pb.Assessment(stream_id="a")
    message.ParseFromString(message.SerializeToString() + bytes([5 << 3, 99]))
    assert read_assessment(message).state is StreamState.UNSPECIFIED
    assert read_response(pb.MonitorStreamResponse()) is None


def test_a_list_says_which_server_it_is_from() -> None:
    """With its name and what scores; an older one's says nothing of that, of tenants or of answer times."""
    model = pb.Model(name="tiny", sha256="ab")
    status = pb.StreamStatus(
        stream_id="a",
        tenant="acme",
        raw_quality=0.0,
        answer_time_s=0.25,
        causes=[pb.Cause(kind=pb.CAUSE_KIND_BLUR, cost=0.0)],
    )
    read = read_stream_list(
        pb.WatchStreamsResponse(
            streams=[status],
            total=1,
            server=pb.ServerInfo(version="1.2.3", replica="media-3/1", model=model),
        )
    )
    assert read.server == ServerInfo("1.2.3", "media-3/1", Model("tiny", "ab"))
    (stream,) = read.streams
    assert (stream.tenant, stream.raw_quality, stream.answer_time_s) == ("acme", 0.0, 0.25)
    assert [cause.to_dict() for cause in stream.causes] == [{"kind": "blur", "cost": 0.0}]
    older = read_stream_list(pb.ListStreamsResponse(streams=[pb.StreamStatus(stream_id="a")], total=1))
    assert older.server is None
    assert "server" not in older.to_dict()
    assert not {"raw_quality", "answer_time_s"} & older.streams[0].to_dict().keys()
