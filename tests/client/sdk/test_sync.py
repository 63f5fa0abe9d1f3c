"""The synchronous twin."""

# ruff: noqa: ARG002 - the service's methods have the interface's arguments
from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from concurrent import futures

import grpc
import numpy as np
import pytest

import facegauge_client
from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_client import Delivery, ServerUnavailable, sync

PICTURE = np.zeros((90, 160, 3), np.uint8)


class Service(quality_pb2_grpc.QualityServiceServicer):
    """Answers every frame, on gRPC's own threads."""

    def MonitorStream(  # noqa: N802 - gRPC's name
        self, requests: Iterator[pb.MonitorStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.MonitorStreamResponse]:
        config = next(requests).config
        yield pb.MonitorStreamResponse(accepted=pb.StreamAccepted(config=config))
        count = 0
        for count, request in enumerate(requests, start=1):  # noqa: B007 - used after the loop
            answer = pb.Assessment(stream_id=config.stream_id, sequence=request.frame.sequence, quality=0.5)
            yield pb.MonitorStreamResponse(assessment=answer)
        yield pb.MonitorStreamResponse(summary=pb.StreamSummary(frames_scored=count))

    def ListStreams(  # noqa: N802 - gRPC's name
        self, request: pb.ListStreamsRequest, context: grpc.ServicerContext
    ) -> pb.ListStreamsResponse:
        return pb.ListStreamsResponse(streams=[pb.StreamStatus(stream_id="a")], total=1)

    def WatchStreams(  # noqa: N802 - gRPC's name
        self, request: pb.WatchStreamsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchStreamsResponse]:
        for total in range(3):
            yield pb.WatchStreamsResponse(total=total)


@pytest.fixture
def target() -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    quality_pb2_grpc.add_QualityServiceServicer_to_server(Service(), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


def test_a_program_without_an_event_loop_sends_and_reads(target: str) -> None:
    """Sending on one thread and reading on another, without an event loop in sight."""
    answers: list[int | None] = []
    with sync.Client(target) as client:
        with client.monitor("a", delivery=Delivery.COMPLETE) as stream:
            reader = threading.Thread(target=lambda: answers.extend(a.sequence for a in stream))
            reader.start()
            for number in range(20):
                stream.send(PICTURE, capture_time_s=number / 5)
            stream.finish()
            reader.join()
        assert stream.summary is not None
        assert stream.summary.frames_scored == 20
    assert answers == list(range(20))


def test_one_thread_can_send_and_look_at_the_latest(target: str) -> None:
    """A media path sends without waiting and looks at `latest`, which needs no second thread."""
    with sync.Client(target) as client:
        with client.monitor("a") as stream:
            last = stream.send(PICTURE)
        assert stream.latest is not None
        assert stream.latest.sequence == last
        assert (stream.frames_sent, stream.frames_dropped) == (1, 0)


def test_lists_come_as_values_and_as_an_iterator(target: str) -> None:
    """list_streams and watch_streams do as their twins."""
    with sync.Client(target) as client:
        assert [status.stream_id for status in client.list_streams().streams] == ["a"]
        assert [streams.total for streams in client.watch_streams()] == [0, 1, 2]


def test_errors_and_wrong_pictures_come_out_here(target: str) -> None:
    """What the asynchronous side raises is raised on the calling thread, whose client goes on."""
    with sync.Client(target) as client, client.monitor("a") as stream:
        with pytest.raises(TypeError, match="not str"):
            stream.send("picture")  # type: ignore[arg-type]  # the mistake under test
        with pytest.raises(facegauge_client.FacegaugeError, match=r"does not serve|Method not implemented"):
            client.assess_image(PICTURE)
    with sync.Client("127.0.0.1:1") as client, pytest.raises(ServerUnavailable, match="connection refused"):
        client.list_streams()
    with pytest.raises(RuntimeError, match="inside"):
        client.list_streams()


def test_the_twins_have_the_same_methods() -> None:
    """Whatever the asynchronous client and stream offer, the synchronous ones do too."""
    only_async = {"send_nowait", "assessments_dropped", "frames_dropped_by_server", "target"}
    for twin, original in (
        (sync.Client, facegauge_client.Client),
        (sync.MonitorStream, facegauge_client.MonitorStream),
    ):

        def public(kind: type) -> set[str]:
            return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

        assert public(original) - only_async <= public(twin)
