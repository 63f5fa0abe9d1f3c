"""Packets lost on a publisher's way: repaired, or the picture and what depends on it are not scored."""

from __future__ import annotations

import asyncio
import random
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pytest

from bench.real_call.recording import rtp_timestamp
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import DEADLINE_S
from tests.real_calls.whole_chains import whole_chains

from .lossy_sender import LossySender, Sent
from .publisher import published

pytestmark = pytest.mark.slow

PICTURES_BETWEEN_LOSSES, LOSSES = 75, 3
JUDGED = PICTURES_BETWEEN_LOSSES * LOSSES + 35
"""Pictures from the first: retransmissions of later ones may be under way as the test ends."""
REPAIRED_SHARE = 0.05
LONGEST_SILENCE_S = 2.0
PICTURE_S, PLI_INTERVAL_S = 1 / 30, 1.0


def is_lost_for_good(picture: int) -> bool:
    return picture % PICTURES_BETWEEN_LOSSES == PICTURES_BETWEEN_LOSSES - 1


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_no_picture_of_a_broken_chain_is_scored(
    server: ServerProcess, start_gateway: StartGateway, astronaut: npt.NDArray[np.uint8], codec: str
) -> None:
    """One packet of every 75th picture is lost with its retransmissions; others once.

    The first brings a keyframe, soon and with few requests; the others bring none and cost no picture.
    """
    chance = random.Random(7)  # noqa: S311 - not for secrets

    def is_lost(sent: Sent) -> bool:
        if is_lost_for_good(sent.picture):
            return sent.packet == 0
        return not sent.is_retransmission and chance.random() < REPAIRED_SHARE

    gateway = start_gateway(server.listen, "whip", "--max-fps", "10")
    endpoint = f"{gateway.http}/whip/whip-loss-{codec}"
    scored = set()
    async with (
        published(endpoint, astronaut, sway_px=80, mime_type=f"video/{codec}") as publisher,
        asyncio.timeout(DEADLINE_S),
    ):
        path = LossySender(publisher.peer, is_lost)
        while path.pictures < JUDGED + 30:
            scored.add(rtp_timestamp((await publisher.answer(result="scored"))["capture_time_s"]))
        counts = {
            kind: await asyncio.to_thread(gateway.metric, f"rtp_{name}_total", **{label: kind})
            for name, label, kind in (
                ("feedback", "kind", "keyframe_request"),
                ("packets", "result", "retransmitted"),
                ("units", "result", "broken"),
            )
        }
        assert (await publisher.end())[0] == 200

    whole = whole_chains(path.record, codec.lower())
    assert scored <= whole.keys(), "a picture was scored that nobody sent"
    assert not [one for one in scored if not whole[one]], "pictures of broken chains were scored"
    judged = list(whole)[:JUDGED]
    silences = [
        (group[-1] - group[0]) % 2**32 / CLOCK_RATE_HZ
        for is_whole, members in groupby(judged, whole.__getitem__)
        if not is_whole and (group := list(members))
    ]
    assert len(silences) == LOSSES, "losses that a retransmission repairs cost nothing"
    assert max(silences) < LONGEST_SILENCE_S
    assert counts["retransmitted"] > 0
    most = path.pictures * PICTURE_S / PLI_INTERVAL_S + 2
    assert LOSSES <= path.keyframe_requests <= counts["keyframe_request"] <= most
    lost = filter(is_lost_for_good, range(JUDGED))
    assert counts["broken"] >= sum(path.packets_of(picture) > 1 for picture in lost), "others leave no trace"
