"""A whole server's webhook: events arrive signed, and a receiver that hangs holds up nothing."""

from __future__ import annotations

from pathlib import Path

from standardwebhooks import Webhook

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.app import App, running
from facegauge_server.config import Address, Config
from tests.server.conftest import Connect, config_request, read_rest

from .receiver import HANG, SECRET, receiving, write_secret


def config(url: str, secret_file: Path, grace_s: float) -> Config:
    anywhere = Address("127.0.0.1", 0)
    return Config(
        listen=anywhere,
        metrics_listen=anywhere,
        workers=1,
        precision="f32",
        drain_grace_s=grace_s,
        webhook_url=url,
        webhook_secret_file=secret_file,
    )


def count(app: App, result: str) -> float | None:
    return app.metrics.registry.get_sample_value("facegauge_webhook_events_total", {"result": result})


async def play(app: App, connect: Connect) -> list[pb.MonitorStreamResponse]:
    """A whole stream without a frame."""
    call = connect(app).MonitorStream()
    await call.write(config_request("alice", call_id="standup"))
    await call.done_writing()
    return await read_rest(call)


async def test_a_streams_events_arrive_signed_before_the_server_ends(
    connect: Connect, tmp_path: Path
) -> None:
    """Beginning and end, in order; the drain waits for a receiver that answers."""
    async with receiving(503, 204) as receiver:
        async with running(config(receiver.url, write_secret(tmp_path), grace_s=60.0)) as app:
            await play(app, connect)
    events = [Webhook(SECRET).verify(body, headers) for headers, body in receiver.requests]
    assert [event["type"] for event in events] == [
        "facegauge.v1.stream_began",  # refused at first
        "facegauge.v1.stream_began",
        "facegauge.v1.stream_ended",
    ]
    assert events[-1]["data"]["summary"]["stream_id"] == "alice"
    assert events[-1]["data"]["call_id"] == "standup"
    assert (count(app, "delivered"), count(app, "failed"), count(app, "dropped")) == (2, 0, 0)
    assert app.metrics.registry.get_sample_value("facegauge_webhook_retries_total") == 1


async def test_a_receiver_that_hangs_delays_neither_a_call_nor_the_end(
    connect: Connect, tmp_path: Path
) -> None:
    """The stream ends as usual and the server within its grace, before the first attempt is over."""
    async with receiving(HANG) as receiver:
        async with running(config(receiver.url, write_secret(tmp_path), grace_s=0.0)) as app:
            responses = await play(app, connect)
            await receiver.asked.wait()
            assert app.metrics.registry.get_sample_value("facegauge_webhook_queue_length") in (1, 2)
        assert len(receiver.requests) == 1
    assert [response.WhichOneof("message") for response in responses] == ["accepted", "summary"]
    assert (count(app, "delivered"), count(app, "failed"), count(app, "dropped")) == (0, 0, 2)
