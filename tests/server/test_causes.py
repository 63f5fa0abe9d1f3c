"""Causes and opinion scores over the wire, from a student that names three causes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.engines.student import load_student
from tests.tiny_student import OUTPUTS, write_tiny_student

from .conftest import Connect, StartServer, config_request, frame_request, read_rest
from .scraping import read_metrics

NAMED = {pb.CAUSE_KIND_BLUR, pb.CAUSE_KIND_NOISE, pb.CAUSE_KIND_COMPRESSION}


@pytest.fixture
def causing(tmp_path: Path) -> str:
    """Folder of a student with causes; its weights are random, so its figures mean nothing."""
    return str(write_tiny_student(tmp_path, outputs=OUTPUTS))


@pytest.mark.parametrize("engine", ["openvino", "torch"])
async def test_causes_reach_the_caller(
    start_server: StartServer, connect: Connect, causing: str, portrait_jpeg: bytes, engine: str
) -> None:
    """From workers and from batches alike: each face's, the stream's, and the main one, which is listed."""
    app = await start_server(model=causing, engine=engine, cause_threshold=0.001)
    stub = connect(app)
    call = stub.MonitorStream()
    for request in (config_request(), frame_request(portrait_jpeg), frame_request(portrait_jpeg, 1)):
        await call.write(request)
    for _ in range(3):
        response = await call.read()
    assert isinstance(response, pb.MonitorStreamResponse)
    (listed,) = (await stub.ListStreams(pb.ListStreamsRequest())).streams
    await call.done_writing()
    await read_rest(call)
    message = response.assessment
    (face,) = message.faces
    assert {cause.kind for cause in message.causes} == NAMED
    assert list(message.causes) == list(face.causes)
    costs = [cause.cost for cause in message.causes]
    assert costs == sorted(costs, reverse=True)
    assert 0 < costs[0] <= 1
    assert {cause.threshold for cause in message.causes} == {0.001}
    assert message.main_cause == message.causes[0] == listed.main_cause
    assert message.model == pb.Model(name="tiny", sha256=load_student(causing).sha256)
    assert not message.HasField("mos_estimate")
    # A single picture's main cause is its dearest, named at once: it cannot flicker.
    single = (await stub.AssessImage(pb.AssessImageRequest(data=portrait_jpeg))).assessment
    assert single.main_cause == single.causes[0]
    assert single.main_cause.cost > 0


async def test_nothing_is_named_below_the_threshold(
    start_server: StartServer, connect: Connect, causing: str, portrait_jpeg: bytes
) -> None:
    """The figures are there all the same; a picture's are as a stream's."""
    app = await start_server(model=causing, cause_threshold=2.0)
    response = await connect(app).AssessImage(pb.AssessImageRequest(data=portrait_jpeg))
    assert {cause.kind for cause in response.assessment.causes} == NAMED
    assert {cause.kind for cause in response.assessment.faces[0].causes} == NAMED
    assert not response.assessment.HasField("main_cause")


async def test_a_student_without_causes(
    start_server: StartServer, connect: Connect, tmp_path: Path, portrait_jpeg: bytes
) -> None:
    """Nothing of causes is sent: absent, not 0."""
    app = await start_server(model=str(write_tiny_student(tmp_path)))
    response = await connect(app).AssessImage(pb.AssessImageRequest(data=portrait_jpeg))
    assert response.assessment.HasField("quality")
    assert not response.assessment.causes
    assert not response.assessment.faces[0].causes
    assert not response.assessment.HasField("main_cause")


def calibration_file(folder: Path, model: str) -> Path:
    """As `facegauge calibrate` writes it, for a student's qualities."""
    calibration = {
        "format": "facegauge-calibration",
        "version": 1,
        "model": {"name": "tiny", "sha256": load_student(model).sha256},
        "map": {"quality": [0.0, 1.0], "mos": [1.0, 5.0]},
        "interval": {"coverage": 0.95, "half_width": 0.5},
        "rated_range": [0.0, 1.0],
    }
    path = folder / "calibration.json"
    path.write_text(json.dumps(calibration))
    return path


async def test_an_opinion_score_stands_beside_the_quality(
    start_server: StartServer, connect: Connect, causing: str, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """In assessments, in the metric and in the summary, by the map of the file; not for a single picture."""
    app = await start_server(model=causing, calibration=calibration_file(tmp_path, causing))
    stub = connect(app)
    call = stub.MonitorStream()
    await call.write(config_request())
    await call.write(frame_request(portrait_jpeg))
    await call.read()
    response = await call.read()
    assert isinstance(response, pb.MonitorStreamResponse)
    assessment = response.assessment
    lines = (await read_metrics(app)).splitlines()
    await call.done_writing()
    summary = (await read_rest(call))[-1].summary
    expected = 1 + 4 * assessment.quality
    assert assessment.mos_estimate.value == pytest.approx(expected)
    assert assessment.mos_estimate.low == pytest.approx(expected - 0.5)
    (exported,) = (line for line in lines if line.startswith("facegauge_stream_mos_estimate{"))
    assert float(exported.rpartition(" ")[2]) == pytest.approx(expected)
    assert summary.mos_estimate.value == pytest.approx(1 + 4 * summary.mean_quality)
    picture = await stub.AssessImage(pb.AssessImageRequest(data=portrait_jpeg))
    assert not picture.assessment.HasField("mos_estimate")
