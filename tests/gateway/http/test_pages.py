"""Health, metrics and answers over HTTP, as operators and browsers see them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from bench.real_call.programs import free_port
from facegauge_gateway.http.listening import MAX_CONNECTIONS
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway

RTP = ("rtp", "--listen", "127.0.0.1:0", "--payload", "96=vp8")
TOKEN = "0123456789abcdef0123456789abcdef"


def test_it_is_ready_when_the_server_answers(server: ServerProcess, start_gateway: StartGateway) -> None:
    gateway = start_gateway(server.listen, *RTP)
    gateway.wait_for(lambda: gateway.get("/readyz") == (200, "ready\n"), "readiness")
    assert gateway.metric("ready") == 1
    assert gateway.get("/livez") == (200, "alive\n")


def test_without_a_server_it_lives_and_says_what_is_missing(start_gateway: StartGateway) -> None:
    """An orchestrator sends it no calls, and does not restart it."""
    nobody = f"127.0.0.1:{free_port()}"
    gateway = start_gateway(nobody, *RTP)
    gateway.wait_for(lambda: nobody in gateway.get("/readyz")[1], "the reason")
    assert gateway.get("/readyz")[0] == 503
    assert gateway.metric("ready") == 0
    assert gateway.get("/livez")[0] == 200


def test_readers_show_a_token_where_one_is_asked_for(
    server: ServerProcess, start_gateway: StartGateway, tmp_path: Path
) -> None:
    """What names streams asks for it; health does not. A token that is added counts without a restart."""
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN + "\n")
    gateway = start_gateway(server.listen, *RTP, "--read-tokens", str(tokens))
    for page in ("/metrics", "/answers"):
        status, text = gateway.get(page)
        assert (status, "--read-tokens" in text) == (401, True)
        assert gateway.get(page, Authorization="Bearer " + TOKEN[::-1])[0] == 401
    assert gateway.get("/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
    assert gateway.get("/livez")[0] == 200
    tokens.write_text(f"{TOKEN}\n{TOKEN[::-1]}\n")
    gateway.wait_for(
        lambda: gateway.get("/metrics", Authorization=f"Bearer {TOKEN[::-1]}")[0] == 200, "the new token"
    )


def test_idle_connections_lock_nobody_out(server: ServerProcess, start_gateway: StartGateway) -> None:
    """As many as may and some more, none of which ever asks for anything: the next request is answered."""
    gateway = start_gateway(server.listen, *RTP)
    host, _, port = gateway.http.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 8):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=100))
        assert gateway.get("/livez") == (200, "alive\n")


def test_a_port_that_is_taken_is_named(server: ServerProcess, start_gateway: StartGateway) -> None:
    """The second gateway ends with a sentence for each port that it cannot have."""
    gateway = start_gateway(server.listen, *RTP)
    taken = {"--http-listen": gateway.http.removeprefix("http://"), "--listen": gateway.ready["rtp"][0]}
    for flag, address in taken.items():
        ports = {"--http-listen": "127.0.0.1:0", "--listen": "127.0.0.1:0"} | {flag: address}
        flags = [word for pair in ports.items() for word in pair]
        done = subprocess.run(
            [sys.executable, "-m", "facegauge_gateway", "rtp", "--payload", "96=vp8", *flags],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert address in done.stderr
        assert f"choose another {flag}" in done.stderr


def test_the_ready_line_says_where_it_listens(server: ServerProcess, start_gateway: StartGateway) -> None:
    gateway = start_gateway(server.listen, *RTP, "--listen", "127.0.0.1:0/0")
    assert gateway.ready["event"] == "ready"
    assert gateway.ready["pid"] == gateway.process.pid
    muxed, apart = gateway.ready["rtp"]
    assert ("/" in muxed, "/" in apart) == (False, True)
    assert json.dumps(gateway.ready)
