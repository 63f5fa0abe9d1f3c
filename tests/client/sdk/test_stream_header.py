"""What a proxy learns of a stream before it reads a message."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegauge_client import Client
from facegauge_client.sdk.stream_header import LONGEST, stream_metadata
from tests.client.conftest import ScriptedService


def _value(stream_id: str) -> str:
    ((key, value),) = stream_metadata(stream_id)
    assert key == "facegauge-stream-id"
    return value


@given(st.text(max_size=80))
def test_any_id_fits_a_header_and_different_ids_stay_different(stream_id: str) -> None:
    """Printable ASCII without blanks, from which the id can be read again."""
    value = _value(stream_id)
    assert all("!" <= character <= "~" for character in value)
    assert unquote(value, errors="strict") == stream_id


@pytest.mark.parametrize(
    ("stream_id", "value"),
    [
        ("alice/camera-1", "alice/camera-1"),
        ("a:b@c=d;e,f", "a:b@c=d;e,f"),
        ("Zoë 1", "Zo%C3%AB%201"),
        ("100%", "100%25"),
        ("a\r\nb", "a%0D%0Ab"),
        ("", ""),
    ],
)
def test_the_encoding_is_what_the_documents_say(stream_id: str, value: str) -> None:
    """Other languages' clients send the same bytes, or a stream changes its replica with its client."""
    assert _value(stream_id) == value


def test_what_no_header_holds_is_cut() -> None:
    """An id that is far too long is refused by the server with its reason, not by HTTP/2 without one."""
    assert len(_value("x" * 100_000)) == LONGEST


async def test_a_stream_names_itself_beside_its_token(service: ScriptedService, target: str) -> None:
    """Both arrive with the call, the first and the one that reconnects."""
    service.break_after_frames = [0]
    async with Client(target, token="secret") as client, client.monitor("Zoë 1"):
        while len(service.metadata) < 2:
            await asyncio.sleep(0.001)
    for metadata in service.metadata:
        assert metadata["facegauge-stream-id"] == "Zo%C3%AB%201"
        assert metadata["authorization"] == "Bearer secret"
