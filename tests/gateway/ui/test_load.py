"""The load for the wall: many streams with scores, whose order changes, and which end when told to."""

from __future__ import annotations

from facegauge_client.sync import Client
from tests.end_to_end.conftest import run_server

from .load import NAMES, SERVER_FLAGS, running_load

STREAMS = 16


def test_streams_have_scores_and_end_when_told_to() -> None:
    """All are live and scored as the block begins, under their names; one that was ended is not listed."""
    with (
        run_server(*SERVER_FLAGS) as server,
        running_load(server.listen, STREAMS, interval_s=1.0) as load,
        Client(server.listen) as client,
    ):
        listed = client.list_streams().streams
        assert {(one.stream_id, one.call_id) for one in listed} == set(load.names)
        assert {one.call_id for one in listed} > {""}
        assert all(one.quality is not None for one in listed)
        orders = set()
        for streams in client.watch_streams(interval_s=0.5):
            orders.add(tuple(one.stream_id for one in streams.streams))
            if len(orders) >= 3:
                break
        load.end(NAMES[0], "camera-007")
        left = {one.stream_id for one in client.list_streams().streams}
        assert left == {stream_id for stream_id, _ in load.names} - {NAMES[0], "camera-007"}
