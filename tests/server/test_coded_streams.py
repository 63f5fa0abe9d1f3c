"""Coded video through a real server: what is decoded, what is scored, and what bad units cost."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.types import Encoding
from tests.coded_video import CODED, L1T3_LAYERS, encode_units, encode_vp8_layers, moving
from tests.end_to_end.conftest import ServerProcess
from tests.server.conftest import Connect, StartServer, config_request, faults_of, read_rest
from tests.server.scraping import scraped_until
from tests.server.workers.conftest import until

COUNT = 24
COMPLETE = pb.DELIVERY_COMPLETE
KEYFRAME_NEEDED = pb.Notice.KIND_KEYFRAME_NEEDED


@pytest.fixture(scope="session")
def units(astronaut: npt.NDArray[np.uint8]) -> dict[Encoding, list[bytes]]:
    """The portrait as coded video, a keyframe every twelve units."""
    return {
        encoding: encode_units(encoding, moving(astronaut, COUNT), keyframe_interval=12, bit_rate=4_000_000)
        for encoding in CODED
    }


def number_of(encoding: Encoding) -> Any:
    return pb.FrameEncoding.Value(f"FRAME_ENCODING_{encoding.name}")


def frames_of(coded: list[bytes], first: int = 0, **fields: Any) -> list[pb.Frame]:
    return [
        pb.Frame(sequence=number, capture_time_s=number / 30, data=data, **fields)
        for number, data in enumerate(coded, start=first)
    ]


def batch(frames: list[pb.Frame]) -> pb.MonitorStreamRequest:
    return pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=frames))


async def requests(config: pb.MonitorStreamRequest, *batches: list[pb.Frame]) -> AsyncIterator[Any]:
    yield config
    for frames in batches:
        yield batch(frames)


async def play(stub: Any, config: pb.MonitorStreamRequest, *batches: list[pb.Frame]) -> list[Any]:
    """Send all, and read all answers but the first."""
    responses = await read_rest(stub.MonitorStream(requests(config, *batches)))
    assert responses[0].WhichOneof("message") == "accepted"
    return responses[1:]


def assessments(responses: list[Any]) -> list[pb.Assessment]:
    """Those that are about a frame: on a busy machine a stream may be stale in between."""
    found = [one.assessment for one in responses if one.WhichOneof("message") == "assessment"]
    return [one for one in found if one.HasField("sequence")]


def notices(responses: list[Any]) -> list[pb.Notice]:
    return [one.notice for one in responses if one.WhichOneof("message") == "notice"]


def total(summary: pb.StreamSummary) -> int:
    """All frames that the summary knows of."""
    counts = ("scored", "no_face", "too_small", "dropped", "failed", "skipped", "not_decoded")
    return sum(getattr(summary, f"frames_{count}") for count in counts)


@pytest.mark.parametrize("encoding", CODED)
async def test_every_picture_of_a_file_is_scored(
    encoding: Encoding, units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """COMPLETE: as many scores as units, each under its own number, none left out."""
    stub = connect(server)
    config = config_request(encoding=number_of(encoding), delivery=COMPLETE)
    responses = await play(stub, config, frames_of(units[encoding]))
    answered = assessments(responses)
    assert [one.sequence for one in answered] == list(range(COUNT))
    assert {one.result for one in answered} == {pb.FRAME_RESULT_SCORED}
    assert min(one.raw_quality for one in answered) > 0.2
    assert {(one.frame_width, one.frame_height) for one in answered} == {(640, 480)}
    summary = responses[-1].summary
    assert (summary.frames_scored, total(summary)) == (COUNT, COUNT)
    assert not notices(responses)


async def test_answers_of_coded_video_are_timed(
    units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """From the receipt of the unit that a picture was in, under either delivery."""
    stub = connect(server)
    for delivery in (pb.DELIVERY_LIVE, COMPLETE):
        call = stub.MonitorStream()
        await call.write(config_request("timed", encoding=number_of(Encoding.VP8), delivery=delivery))
        await call.write(batch(frames_of(units[Encoding.VP8][:1])))
        async for response in call:
            if response.WhichOneof("message") == "assessment":
                break
        (status,) = (await stub.ListStreams(pb.ListStreamsRequest(stream_id="timed"))).streams
        assert 0 < status.answer_time_s <= status.last_frame_age_s
        await call.done_writing()
        assert [one.WhichOneof("message") async for one in call][-1] == "summary"


async def test_max_fps_chooses_what_is_scored_and_not_what_is_decoded(
    units: dict[Encoding, list[bytes]], start_server: StartServer, connect: Connect
) -> None:
    """Ten a second of thirty: each third picture, though all units are decoded."""
    app = await start_server()
    config = config_request(encoding=number_of(Encoding.VP8), delivery=COMPLETE, max_fps=10)
    responses = await play(connect(app), config, frames_of(units[Encoding.VP8]))
    assert [one.sequence for one in assessments(responses)] == list(range(0, COUNT, 3))
    summary = responses[-1].summary
    assert (summary.frames_scored, summary.frames_skipped) == (COUNT / 3, COUNT * 2 / 3)
    assert app.metrics.registry.get_sample_value("facegauge_units_decoded_total") == COUNT


async def test_a_live_stream_answers_its_newest_picture(
    units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """All come at once: the newest is scored, the others are decoded for it, and all are accounted for."""
    config = config_request(encoding=number_of(Encoding.H264))
    responses = await play(connect(server), config, frames_of(units[Encoding.H264]))
    assert assessments(responses)[-1].sequence == COUNT - 1
    assert total(responses[-1].summary) == COUNT


async def test_layers_that_are_not_asked_for_are_not_decoded(
    astronaut: npt.NDArray[np.uint8], start_server: StartServer, connect: Connect
) -> None:
    """VP8 L1T3, live."""
    frames = frames_of(encode_vp8_layers(moving(astronaut, COUNT)))
    for number, frame in enumerate(frames):
        frame.temporal_layer = L1T3_LAYERS[number % 4]
    app = await start_server()
    count = partial(app.metrics.registry.get_sample_value, "facegauge_units_decoded_total")
    before = 0.0
    for decode, decoded in {"AUTO": 6, "BASE_LAYER": 6, "ALL": 24, "KEYFRAMES": 1}.items():
        asked = pb.Decode.Value(f"DECODE_{decode}")
        config = config_request(encoding=number_of(Encoding.VP8), decode=asked)
        responses = await play(connect(app), config, frames)
        assert count() == before + decoded, decode
        before += decoded
        summary = responses[-1].summary
        assert (summary.frames_not_decoded, total(summary)) == (COUNT - decoded, COUNT), decode
        assert summary.frames_scored >= 1, decode


async def test_units_before_a_keyframe_wait_for_one(
    units: dict[Encoding, list[bytes]], start_server: StartServer, connect: Connect
) -> None:
    """A client that joins in the middle is told, once, to ask for a keyframe; then all goes on."""
    app = await start_server()
    config = config_request(encoding=number_of(Encoding.VP9), delivery=COMPLETE)
    responses = await play(connect(app), config, frames_of(units[Encoding.VP9][5:], 5))
    (notice,) = notices(responses)
    assert notice.kind == KEYFRAME_NEEDED
    assert "no keyframe has come yet" in notice.text
    assert [one.sequence for one in assessments(responses)] == list(range(12, COUNT))
    assert assessments(responses)[0].frames_not_decoded == 7
    summary = responses[-1].summary
    assert (summary.frames_not_decoded, summary.frames_scored) == (7, 12)
    assert app.metrics.registry.get_sample_value("facegauge_keyframe_requests_total") == 1


async def test_a_gap_costs_what_depends_on_it(
    units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """Nothing between the loss that the sender reports and the next keyframe is scored."""
    frames = frames_of(units[Encoding.H264])
    del frames[4]
    frames[4].discontinuity = True
    config = config_request(encoding=number_of(Encoding.H264), delivery=COMPLETE)
    responses = await play(connect(server), config, frames)
    assert [one.sequence for one in assessments(responses)] == [0, 1, 2, 3, *range(12, COUNT)]
    (notice,) = notices(responses)
    assert "units are missing" in notice.text
    assert responses[-1].summary.frames_not_decoded == 7


@pytest.mark.parametrize("delivery", ["COMPLETE", "LIVE"])
async def test_units_that_are_missing_freeze_the_stream(
    delivery: str, units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """What viewers see who miss them too: named with its seconds until the next keyframe, and counted."""
    coded = units[Encoding.VP8]
    frames = frames_of([*coded, *coded[13:], *coded, *coded, *coded])
    for frame in frames:
        frame.capture_time_s = frame.sequence / 15
    frames[COUNT].discontinuity = True
    key = COUNT + len(coded[13:])
    call: Any = connect(server).MonitorStream()
    encoding = number_of(Encoding.VP8)
    stream_id, how = f"starved-{delivery}", pb.Delivery.Value(f"DELIVERY_{delivery}")
    await call.write(config_request(stream_id, encoding=encoding, delivery=how))
    await call.write(batch(frames[:key]))
    told: list[pb.Assessment] = []
    while delivery == "LIVE" and not (told and faults_of(told[-1].causes)):
        told.append((await call.read()).assessment)
    assert not told or not told[-1].HasField("sequence"), "unasked: nothing can be scored"
    await call.write(batch(frames[key:]))
    while not (told and told[-1].sequence == frames[-1].sequence):
        told.append((await call.read()).assessment)
    frozen = [one for one in told if faults_of(one.causes)]
    (cause,) = faults_of(frozen[0].causes)
    assert (cause.kind, cause.threshold) == (pb.CAUSE_KIND_FREEZE, 0.5)
    assert cause.value == pytest.approx((key - COUNT) / 15)
    assert frozen[0].main_cause == cause
    if delivery == "COMPLETE":
        assert frozen[0].sequence == key
        assert frozen[-1].sequence == pytest.approx(key - 4 + 2 * 15, abs=2)
    ids = (("call_id", ""), ("stream_id", stream_id), ("tenant", ""))
    samples = await scraped_until(
        server, lambda found: found.get(("facegauge_stream_keyframes_total", ids), 0) >= 8
    )
    assert samples["facegauge_stream_keyframes_total", ids] == 8
    assert samples["facegauge_stream_decoding_breaks_total", ids] == 1
    assert samples["facegauge_stream_received_bytes_total", ids] == sum(len(frame.data) for frame in frames)
    await call.done_writing()
    (frozen_s,) = faults_of((await read_rest(call))[-1].summary.cause_times)
    assert frozen_s.kind == pb.CAUSE_KIND_FREEZE


@pytest.mark.parametrize("encoding", CODED)
async def test_bad_units_are_answered_and_cost_no_more_than_their_chain(
    encoding: Encoding, units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """A foreign unit in the middle: an answer that names it, then everything from the next keyframe on."""
    frames = frames_of(units[encoding])
    frames[5].data = b"none of anyone's video" * 20
    config = config_request(encoding=number_of(encoding), delivery=COMPLETE)
    responses = await play(connect(server), config, frames)
    errors = [one for one in assessments(responses) if one.result == pb.FRAME_RESULT_ERROR]
    assert [one.sequence for one in errors] == [5]
    assert errors[0].state == pb.STREAM_STATE_DECODE_ERROR
    assert encoding.name.replace("H264", "H.264") in errors[0].error
    summary = responses[-1].summary
    assert (summary.frames_failed, summary.frames_not_decoded) == (1, 6)
    assert (summary.frames_scored, total(summary)) == (17, COUNT)


async def test_a_wrong_codec_name_is_told(
    units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """Every unit of a file is answered; of a call's, one each half second, and all are counted."""
    stub = connect(server)
    frames = frames_of(units[Encoding.VP8])
    config = config_request(encoding=number_of(Encoding.H264), delivery=COMPLETE)
    responses = await play(stub, config, frames)
    assert len(assessments(responses)) == COUNT
    assert all("no H.264 in Annex B" in one.error for one in assessments(responses))
    responses = await play(stub, config_request(encoding=number_of(Encoding.H264)), frames)
    assert "no H.264 in Annex B" in assessments(responses)[0].error
    assert responses[-1].summary.frames_failed == COUNT


async def test_pictures_and_coded_video_do_not_mix(
    portrait_jpeg: bytes,
    units: dict[Encoding, list[bytes]],
    server: ServerProcess,
    connect: Connect,
) -> None:
    """Either is refused in a stream of the other, in words, and neither stream ends."""
    stub = connect(server)
    jpeg = pb.Frame(sequence=0, encoding=pb.FRAME_ENCODING_JPEG, data=portrait_jpeg)
    key = pb.Frame(sequence=1, encoding=pb.FRAME_ENCODING_VP8, data=units[Encoding.VP8][0], capture_time_s=1)
    coded = await play(stub, config_request(encoding=number_of(Encoding.VP8), delivery=COMPLETE), [jpeg, key])
    refused, scored = sorted(assessments(coded), key=lambda one: one.sequence)
    assert "open another stream for pictures" in refused.error
    assert scored.result == pb.FRAME_RESULT_SCORED
    pictures = await play(stub, config_request(delivery=COMPLETE), [key, jpeg])
    assert "StreamConfig.encoding is of coded video" in assessments(pictures)[0].error


async def test_a_stream_may_change_its_codec_at_a_keyframe(
    units: dict[Encoding, list[bytes]], server: ServerProcess, connect: Connect
) -> None:
    """As after a renegotiation: a new decoder, and no unit is lost."""
    stub = connect(server)
    first = frames_of(units[Encoding.VP8], encoding=number_of(Encoding.VP8))
    second = frames_of(units[Encoding.H264], COUNT, encoding=number_of(Encoding.H264))
    responses = await play(
        stub, config_request(encoding=number_of(Encoding.VP8), delivery=COMPLETE), first, second
    )
    assert [one.sequence for one in assessments(responses)] == list(range(2 * COUNT))
    assert responses[-1].summary.frames_scored == 2 * COUNT


async def test_a_lost_worker_costs_what_depends_on_it(
    units: dict[Encoding, list[bytes]], start_server: StartServer, connect: Connect
) -> None:
    """The decoder dies with its process: its stream asks for a keyframe and goes on with the next one."""
    app = await start_server()
    frames = frames_of(units[Encoding.VP8])
    call: Any = connect(app).MonitorStream()
    await call.write(config_request(encoding=number_of(Encoding.VP8), delivery=COMPLETE))
    await call.read()
    await call.write(batch(frames[:6]))
    answered = 0
    while answered < 6:
        answered += (await call.read()).assessment.HasField("sequence")
    (victim,) = app.workers.pids
    os.kill(victim, signal.SIGKILL)
    await until(lambda: app.workers.health.serving == 1 and victim not in app.workers.pids)
    await call.write(batch(frames[6:12]))
    while not (response := await call.read()).HasField("notice"):
        assert not response.assessment.HasField("sequence")
    notice = response.notice
    assert (notice.kind, "the process" in notice.text) == (KEYFRAME_NEEDED, True)
    await call.write(batch(frames[12:]))
    await call.done_writing()
    rest = await read_rest(call)
    assert [one.sequence for one in assessments(rest)] == list(range(12, COUNT))
    summary = rest[-1].summary
    assert (summary.frames_not_decoded, summary.frames_failed, total(summary)) == (6, 0, COUNT)
