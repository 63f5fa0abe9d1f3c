"""The Node back end of examples/node, with the real server."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trustme

from facegauge_server.types import Encoding
from tests.coded_video import FPS, encode_units, moving
from tests.end_to_end.conftest import ServerProcess, StartServerProcess, find_program

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "examples" / "node"
FOURCC = {Encoding.H264: b"H264", Encoding.VP8: b"VP80", Encoding.VP9: b"VP90", Encoding.AV1: b"AV01"}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def node() -> Run:
    """Runs the example with the given arguments; skips where Node or the example's packages are missing."""
    program = find_program("node")
    if not (EXAMPLE / "node_modules").is_dir():
        pytest.skip("needs the example's packages: npm install --prefix examples/node")

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [program, EXAMPLE / "main.js", *arguments]
        environment = os.environ | variables
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)

    return run


@pytest.fixture(scope="session")
def portrait(astronaut: npt.NDArray[np.uint8]) -> Callable[[Encoding], list[bytes]]:
    """Makes two seconds of a portrait, coded."""
    return lambda encoding: encode_units(encoding, moving(astronaut, 2 * FPS))


def write_ivf(path: Path, encoding: Encoding, units: list[bytes]) -> Path:
    header = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, FOURCC[encoding], 640, 480, FPS, 1, len(units), 0)
    frames = (struct.pack("<IQ", len(unit), number) + unit for number, unit in enumerate(units))
    path.write_bytes(header + b"".join(frames))
    return path


def events(ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("encoding", list(FOURCC))
def test_a_call_is_scored(
    node: Run,
    server: ServerProcess,
    portrait: Callable[[Encoding], list[bytes]],
    tmp_path: Path,
    encoding: Encoding,
) -> None:
    """Every codec of calls: assessments under the given id, then the summary that counts every unit."""
    units = portrait(encoding)
    call = write_ivf(tmp_path / "call.ivf", encoding, units)
    *assessments, summary = events(node("--server", server.listen, "--stream-id", "alice", call))
    assert {event["event"] for event in assessments} == {"assessment"}
    scored = [event for event in assessments if event["result"] == "FRAME_RESULT_SCORED"]
    assert all(event["streamId"] == "alice" and 0 < event["quality"] < 1 for event in scored)
    assert summary["event"] == "summary"
    assert summary["framesScored"] == len(scored) > 0
    left_out = ("framesDropped", "framesSkipped", "framesNotDecoded", "framesNoFace")
    assert len(scored) + sum(summary.get(name, 0) for name in left_out) == len(units)


def test_the_back_end_hears_that_a_keyframe_is_needed(
    node: Run, server: ServerProcess, portrait: Callable[[Encoding], list[bytes]], tmp_path: Path
) -> None:
    """Video that was joined late has no keyframe: nothing is scored, and the reason is said."""
    late = write_ivf(tmp_path / "late.ivf", Encoding.VP8, portrait(Encoding.VP8)[1:])
    heard = events(node("--server", server.listen, late))
    assert any(event["event"] == "keyframe_needed" and event["text"] for event in heard)
    assert heard[-1]["event"] == "summary"
    assert "framesScored" not in heard[-1]


def test_a_token_goes_over_tls(
    node: Run,
    start_server_process: StartServerProcess,
    portrait: Callable[[Encoding], list[bytes]],
    tmp_path: Path,
) -> None:
    """With the operator's authority and a token the call is scored; without a token the server says why."""
    authority, ca = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate = authority.issue_cert("localhost")
    cert, key, keys = (tmp_path / name for name in ("cert.pem", "key.pem", "keys.json"))
    certificate.cert_chain_pems[0].write_to_path(str(cert))
    certificate.private_key_pem.write_to_path(str(key))
    make_token("new-key", "--kid", "one", "--out", keys)
    server = start_server_process("--tls-cert", str(cert), "--tls-key", str(key), "--auth-keys", str(keys))
    call = write_ivf(tmp_path / "call.ivf", Encoding.VP8, portrait(Encoding.VP8)[:10])
    arguments = ("--server", server.listen.replace("127.0.0.1", "localhost"), "--tls-ca", ca, call)
    token = make_token(
        "issue", "--keys", keys, "--tenant", "acme", "--expires-in", "1h", "--right", "publish"
    )
    assert events(node(*arguments, FACEGAUGE_TOKEN=token))[-1]["event"] == "summary"
    refused = node(*arguments, FACEGAUGE_TOKEN="")
    assert refused.returncode == 1
    assert "authorization: Bearer TOKEN" in refused.stderr


def make_token(*arguments: str | Path) -> str:
    """Run `facegauge-token`."""
    command = [Path(sys.executable).parent / "facegauge-token", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout.strip()


def test_what_is_wrong_is_said_in_a_sentence(
    node: Run, server: ServerProcess, portrait: Callable[[Encoding], list[bytes]], tmp_path: Path
) -> None:
    """A file of another kind, a token in clear text, and a config that the server refuses."""
    call = write_ivf(tmp_path / "call.ivf", Encoding.VP8, portrait(Encoding.VP8)[:3])
    wrong = {
        "is no IVF file": node(EXAMPLE / "package.json"),
        "use TLS": node("--server", "facegauge.test:50051", call, FACEGAUGE_TOKEN="x"),
        "max_fps": node("--server", server.listen, "--max-fps=-3", call),
    }
    for sentence, ran in wrong.items():
        assert ran.returncode == 1
        assert sentence in ran.stderr
        assert ran.stderr.count("\n") == 1
