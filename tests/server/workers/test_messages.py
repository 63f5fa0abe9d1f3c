"""The server reads what a worker says without trusting it."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest

from facegauge_server.coded_types import Pick, Unit, UnitRun
from facegauge_server.types import (
    Box,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
)
from facegauge_server.workers.messages import (
    BadReply,
    Ready,
    Refused,
    Request,
    RunRequest,
    StageFailed,
    Worked,
    encode,
    read_reply,
    read_request,
)

FACE = FaceBox(3, Box(1.5, -2.25, 100.0, 99.5))
SCORE = FrameScore(7, 0.2, FrameResult.SCORED, (FaceScore(FACE, FaceState.LOW_RESOLUTION, 0.1 + 0.2),))


@pytest.mark.parametrize(
    "reply",
    [
        Ready(),
        Refused("too large"),
        StageFailed("bug", "trace"),
        Worked(b"tracker", SCORE, stage_times_s=(("decode", 0.25),)),
        Worked(b"tracker", None, (FACE, FACE), (FACE,)),
    ],
)
def test_replies_arrive_as_they_were(reply: Any) -> None:
    """To the last bit of a score."""
    assert read_reply(memoryview(encode(reply))) == reply


def test_a_request_arrives_as_it_was() -> None:
    """With the frame's bytes put back."""
    frame = EncodedFrame(5, 1.25, Encoding.I420, b"pixels", 640, 360)
    request = read_request(encode(Request.of(frame, b"tracker", 1080)))
    assert isinstance(request, Request)
    assert (request.tracker, request.display_lines, request.data_bytes) == (b"tracker", 1080, 6)
    assert request.frame(b"pixels") == frame


def test_a_run_of_units_arrives_as_it_was() -> None:
    """Each unit with its own bytes; what only the server needs to know stays there."""
    units = tuple(
        Unit(
            EncodedFrame(number, number / 30, Encoding.VP8, b"unit" * number), number == 1, starts=number == 1
        )
        for number in range(1, 4)
    )
    run = UnitRun(units, Pick.DUE, 1.5, 1.25, ends=True)
    request = read_request(encode(RunRequest.of(run, 7, b"tracker", 1080)))
    assert isinstance(request, RunRequest)
    assert (request.decoder, request.tracker, request.display_lines) == (7, b"tracker", 1080)
    assert (request.data_bytes, run.size) == (24, 24)
    assert request.run(b"unit" * 6) == run


class Attack:
    """Unpickles by calling what it is given."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"nonsense",
        encode(Ready())[:-3],
        pickle.dumps("a string"),
        pickle.dumps(Box(1, 2, 3, 4)),
        pickle.dumps(Attack(os.system, "true")),
        pickle.dumps(Attack(eval, "1")),
        pickle.dumps(Attack(getattr, Ready, "__class__")),
        b"cfacegauge_server.types\nnp.fromfile\n.",
        b"cfacegauge_server.workers.messages\npickle.loads\n.",
        b"cfacegauge_server.workers.messages\nread_request\n.",
        b"cfacegauge_server.workers.messages\n_ReplyReader\n.",
    ],
)
def test_anything_else_is_refused(packet: bytes) -> None:
    """Nothing but the project's frozen values is made from a reply, and nothing is called."""
    with pytest.raises(BadReply):
        read_reply(packet)
