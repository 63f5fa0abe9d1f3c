"""What cannot be published gets a status and a sentence, and nobody else notices."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import numpy as np
import numpy.typing as npt
import pytest

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import GatewayProcess, run_gateway

from .publisher import camera_peer, make_offer, published

Picture = npt.NDArray[np.uint8]
SDP = {"Content-Type": "application/sdp"}
TOKEN = "a-token-of-enough-characters"
AUDIO_ONLY = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
)
H265_ONLY = AUDIO_ONLY.replace("audio 9", "video 9").replace("opus/48000/2", "H265/90000")
AUDIO_MEDIA = AUDIO_ONLY[AUDIO_ONLY.index("m=") :]
VP8_ONLY = H265_ONLY.replace("H265", "VP8")
VIDEO_MEDIA = VP8_ONLY[VP8_ONLY.index("m=") :]
TWO_CAMERAS = VP8_ONLY + VIDEO_MEDIA.replace("mid:0", "mid:1")
TWO_MICROPHONES = AUDIO_ONLY + AUDIO_MEDIA.replace("mid:0", "mid:1") + VIDEO_MEDIA.replace("mid:0", "mid:2")


@pytest.fixture(scope="module")
def gateway(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One gateway for all that leaves nothing behind."""
    with run_gateway(tmp_path_factory.mktemp("gateway"), server.listen, "whip") as process:
        yield process


async def ask(
    gateway: GatewayProcess, method: str, path: str, data: str | bytes = "", **headers: str
) -> tuple[int, str, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, gateway.http + path, data=data, headers=headers) as response,
    ):
        return response.status, await response.text(), dict(response.headers)


def post_raw(gateway: GatewayProcess, path: str, authorization: str) -> int:
    """Post with a header that is sent as Latin-1, which aiohttp's client does not; returns the status."""
    connection = http.client.HTTPConnection(gateway.http.removeprefix("http://"), timeout=60)
    with closing(connection):
        connection.request("POST", path, "v=0", {**SDP, "Authorization": authorization})
        return connection.getresponse().status


@pytest.mark.parametrize(
    ("path", "data", "headers", "status", "says"),
    [
        ("/whip/a", "v=0", {"Content-Type": "text/plain"}, 415, "application/sdp"),
        ("/whip/a", "no sdp", SDP, 400, "no SDP offer"),
        ("/whip/a", b"\xff\xfe", SDP, 400, "no SDP offer"),
        ("/whip/a", "", SDP, 400, "no SDP offer"),
        ("/whip/a", "v=0\r\n" + "a=x\r\n" * 20_000, SDP, 413, "at most 65536 bytes: leave out"),
        ("/whip/a", AUDIO_ONLY, SDP, 422, "no video"),
        ("/whip/a", H265_ONLY, SDP, 422, "H264, VP8, VP9, AV1"),
        ("/whip/a", VP8_ONLY, SDP, 422, "cannot be answered"),
        ("/whip/a", TWO_CAMERAS, SDP, 422, "one video track"),
        ("/whip/a", TWO_MICROPHONES, SDP, 422, "one audio track"),
        ("/whip/%20", VP8_ONLY, SDP, 400, "stream's id"),
        ("/whip/a", VP8_ONLY, {**SDP, "Accept": "text/html, application/sdp;q=0"}, 406, "application/sdp"),
    ],
)
async def test_a_bad_offer(
    gateway: GatewayProcess, path: str, data: str | bytes, headers: dict[str, str], status: int, says: str
) -> None:
    """It is counted, and leaves no stream behind."""
    before = gateway.metric("whip_requests_total", method="POST", status=str(status))
    got, text, _ = await ask(gateway, "POST", path, data, **headers)
    assert got == status, text
    assert says in text
    assert gateway.metric("whip_requests_total", method="POST", status=str(status)) == before + 1
    gateway.wait_for(lambda: gateway.metric("streams") == 0, "a stream is left behind")
    assert gateway.metric("whip_sessions") == 0


async def test_other_methods(gateway: GatewayProcess) -> None:
    """GET, HEAD, PUT and PATCH get 405 with what is allowed (RFC 9725); an unknown session 404."""
    for method in ("GET", "PUT", "PATCH"):
        status, _, headers = await ask(gateway, method, "/whip/a")
        assert (status, headers["Allow"]) == (405, "OPTIONS,POST")
    status, _, headers = await ask(gateway, "PATCH", "/whip/a/b")
    assert (status, headers["Allow"]) == (405, "DELETE,OPTIONS")
    assert (await ask(gateway, "DELETE", "/whip/a/b"))[0] == 404


async def test_pages_of_other_origins(server: ServerProcess, start_gateway: StartGateway) -> None:
    """A page may publish from the origins that are named, and from no other."""
    gateway = start_gateway(server.listen, "whip", "--allow-origin", "https://meet.example")
    preflight = {"Access-Control-Request-Method": "POST"}
    _, _, headers = await ask(gateway, "OPTIONS", "/whip/a", Origin="https://meet.example", **preflight)
    assert headers["Access-Control-Allow-Origin"] == "https://meet.example"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert headers["Accept-Post"] == "application/sdp"
    _, _, headers = await ask(gateway, "POST", "/whip/a", "x", Origin="https://meet.example", **SDP)
    assert headers["Access-Control-Allow-Origin"] == "https://meet.example"
    _, _, headers = await ask(gateway, "OPTIONS", "/whip/a", Origin="https://evil.example", **preflight)
    assert "Access-Control-Allow-Origin" not in headers


async def test_tokens(
    server: ServerProcess, start_gateway: StartGateway, tmp_path: Path, astronaut: Picture
) -> None:
    """Without one of the file's tokens nobody publishes, and nobody ends another's session."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    gateway = start_gateway(server.listen, "whip", "--publish-tokens", str(tokens))
    not_utf8 = post_raw(gateway, "/whip/a", "Bearer \xff\xfe")
    assert not_utf8 == 401
    for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        status, text, headers = await ask(gateway, "POST", "/whip/a", "v=0", **SDP, **shown)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), text
    endpoint = f"{gateway.http}/whip/whip-tokens"
    async with published(endpoint, astronaut, Authorization=f"Bearer {TOKEN}") as publisher:
        await publisher.answer(result="scored")
        assert (await publisher.end())[0] == 401
        assert (await publisher.end(Authorization=f"Bearer {TOKEN}"))[0] == 200


async def test_one_publisher_too_many(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """It is told when to try again, and an id that is live is not taken over."""
    gateway = start_gateway(server.listen, "whip", "--max-sessions-per-address", "1")
    async with published(f"{gateway.http}/whip/whip-first", astronaut) as publisher:
        await publisher.answer(result="scored")
        async with camera_peer(astronaut) as peer:
            offer = await make_offer(peer)
        status, text, headers = await ask(gateway, "POST", "/whip/whip-second", offer, **SDP)
        assert (status, "--max-sessions-per-address" in text) == (503, True)
        assert int(headers["Retry-After"]) > 0
        other = start_gateway(server.listen, "whip")
        status, text, _ = await ask(other, "POST", "/whip/whip-first", offer, **SDP)
        assert (status, "live" in text) == (409, True)


async def test_a_server_that_is_away(start_gateway: StartGateway, astronaut: Picture) -> None:
    """A publisher learns at once that nobody scores it."""
    gateway = start_gateway("127.0.0.1:9", "whip")
    async with camera_peer(astronaut) as peer:
        offer = await make_offer(peer)
    status, text, headers = await ask(gateway, "POST", "/whip/a", offer, **SDP)
    assert (status, "127.0.0.1:9" in text) == (503, True)
    assert int(headers["Retry-After"]) > 0
