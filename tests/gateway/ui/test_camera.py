"""The browser's own camera, by the WHIP door on the page's application."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.gateway.whip_door.publisher import published

from .page_reader import Page
from .test_live_pages import listed


async def test_a_camera_is_scored_and_on_the_wall(page: Page, astronaut: npt.NDArray[np.uint8]) -> None:
    """The data channel brings boxes with the size of the picture that they are in."""
    async with page.events("/ui/streams") as wall:
        async with published(f"{page.http}/whip/my-camera?call_id=camera", astronaut, sway_px=8) as camera:
            answer = await camera.answer(result="scored")
            box = answer["faces"][0]["box"]
            assert 0 < box["x"] < box["x"] + box["width"] < answer["frame_width"]
            assert 0 < box["y"] < box["y"] + box["height"] < answer["frame_height"]
            assert (await listed(wall, "my-camera"))["call_id"] == "camera"
            assert (await camera.end())[0] == 200
        await listed(wall, "my-camera", there=False)
