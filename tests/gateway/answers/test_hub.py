"""Answers reach whoever wants them; who does not read loses the oldest."""

from __future__ import annotations

import json

import pytest

from facegauge_client import Assessment, FrameResult, Summary
from facegauge_gateway.answers.hub import KEPT_ANSWERS, AnswerHub, TooManySubscribers
from facegauge_gateway.metrics import Metrics


async def test_a_subscriber_gets_its_stream_and_another_all(hub: AnswerHub) -> None:
    async with hub.subscribe("alice") as alice, hub.subscribe() as everything:
        hub.publish("alice", Assessment(sequence=1), "standup")
        hub.publish("bob", Assessment(sequence=2))
        hub.publish("alice", Summary(frames_scored=3), "standup")
        hub.close()
        assert [(answer.stream_id, answer.event) async for answer in alice] == [
            ("alice", "assessment"),
            ("alice", "summary"),
        ]
        assert [answer.stream_id async for answer in everything] == ["alice", "bob", "alice"]


async def test_a_slow_reader_loses_the_oldest_and_nobody_waits(hub: AnswerHub, metrics: Metrics) -> None:
    """Publishing returns at once; the loss is counted where it happens and for the operator."""
    async with hub.subscribe() as slow:
        for number in range(KEPT_ANSWERS + 5):
            hub.publish("alice", Assessment(sequence=number))
        hub.close()
        read = [answer.value async for answer in slow]
        assert isinstance(read[0], Assessment)
        assert (len(read), read[0].sequence, slow.dropped) == (KEPT_ANSWERS, 5, 5)
    assert metrics.registry.get_sample_value("facegauge_gateway_answers_dropped_total") == 5


async def test_a_line_is_the_assessment_with_its_call(hub: AnswerHub) -> None:
    """JSON lines carry the interface's field names, the kind of the answer, and the call."""
    async with hub.subscribe() as answers:
        hub.publish("alice", Assessment(sequence=7, result=FrameResult.SCORED, quality=0.5), "standup")
        line = json.loads((await anext(answers)).line)
    assert (line["event"], line["stream_id"], line["call_id"]) == ("assessment", "alice", "standup")
    assert (line["sequence"], line["result"], line["quality"]) == (7, "scored", 0.5)


async def test_readers_are_limited_and_leave_room_when_they_go(metrics: Metrics) -> None:
    hub = AnswerHub(metrics, max_subscribers=1)
    async with hub.subscribe():
        with pytest.raises(TooManySubscribers, match="try again later"):
            async with hub.subscribe():
                pass
        assert metrics.registry.get_sample_value("facegauge_gateway_subscribers") == 1
    async with hub.subscribe():
        pass
    assert metrics.registry.get_sample_value("facegauge_gateway_subscribers") == 0
