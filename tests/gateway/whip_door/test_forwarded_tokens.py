"""With --forward-tokens the server decides who publishes, by the publisher's own token."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import numpy as np
import numpy.typing as npt
from click.testing import CliRunner

from facegauge_server.access.command import command
from tests.end_to_end.conftest import StartServerProcess
from tests.gateway.conftest import StartGateway

from .publisher import camera_peer, make_offer, published


def token(*arguments: str | Path) -> str:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output.strip()


async def test_the_server_decides(
    start_server_process: StartServerProcess,
    start_gateway: StartGateway,
    tmp_path: Path,
    astronaut: npt.NDArray[np.uint8],
) -> None:
    """A token with the right publishes; one without gets 403, a foreign one 401, none at all 401."""
    keys, foreign = tmp_path / "keys.json", tmp_path / "foreign.json"
    token("new-key", "--kid", "a", "--out", keys)
    token("new-key", "--kid", "a", "--out", foreign)
    may, may_not, stranger = (
        token("issue", "--keys", file, "--tenant", "acme", "--right", right)
        for file, right in ((keys, "publish"), (keys, "list"), (foreign, "publish"))
    )
    server = start_server_process("--auth-keys", str(keys))
    gateway = start_gateway(server.listen, "whip", "--forward-tokens")
    endpoint = f"{gateway.http}/whip/whip-forwarded"
    async with camera_peer(astronaut) as peer:
        offer = await make_offer(peer)
    async with aiohttp.ClientSession() as http:
        for shown, status in ((None, 401), (stranger, 401), (may_not, 403), ("two words", 401)):
            headers = {"Content-Type": "application/sdp"}
            headers |= {} if shown is None else {"Authorization": f"Bearer {shown}"}
            async with http.post(endpoint, data=offer, headers=headers) as response:
                assert (response.status, shown) == (status, shown), await response.text()
                assert await response.text()
    async with published(endpoint, astronaut, Authorization=f"Bearer {may}") as publisher:
        assert (await publisher.answer(result="scored"))["stream_id"] == "whip-forwarded"
        assert (await publisher.end(Authorization=f"Bearer {may}"))[0] == 200
