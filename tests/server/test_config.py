"""Configuration is valid once built, and what is wrong with it is said by name."""

import math
from typing import Any

import pytest

from facegauge_server.config import Address, Config, Limits, StreamSettings
from facegauge_server.errors import BadConfiguration, InvalidConfig


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:50051", "127.0.0.1", 50051), ("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80)],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    """HOST:PORT is understood, IPv6 in brackets too, and prints as it was written."""
    address = Address.parse(text, "--listen")
    assert (address.host, address.port) == (host, port)
    assert str(address) == text
    assert address.is_loopback


@pytest.mark.parametrize(
    "text", ["", "50051", ":50051", "host:", "host:-1", "host:65536", "host:x", "host:٣"]
)
def test_bad_addresses_name_their_flag(text: str) -> None:
    """What is no HOST:PORT is refused with the flag's name and the text."""
    with pytest.raises(BadConfiguration, match="--listen wants HOST:PORT"):
        Address.parse(text, "--listen")


def test_faces_do_not_leave_the_machine_in_clear_by_accident() -> None:
    """Listening beyond loopback needs TLS or a plain word that something else encrypts."""
    everywhere = Address("0.0.0.0", 50051)  # noqa: S104 - the point of the test
    with pytest.raises(BadConfiguration, match="--insecure"):
        Config(listen=everywhere)
    assert Config(listen=everywhere, insecure=True).listen == everywhere


@pytest.mark.parametrize("name", ["workers", "idle_timeout_s", "stale_after_s"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_nonsense_amounts_are_refused(name: str, value: float) -> None:
    """An amount that must be positive says so, with its flag."""
    changed: dict[str, Any] = {name: value}
    with pytest.raises(BadConfiguration, match=f"--{name.removesuffix('_s').replace('_', '-')} must be"):
        Config(**changed)


def test_limits_must_be_positive() -> None:
    """No limit may be zero."""
    with pytest.raises(BadConfiguration, match="--max-streams must be greater than 0"):
        Limits(max_streams=0)


def test_every_wrong_field_is_named_at_once() -> None:
    """A client learns all that is wrong with its configuration in one go."""
    with pytest.raises(InvalidConfig) as caught:
        StreamSettings(
            stream_id="x" * 10_000,
            call_id="two\nlines",
            width=-1,
            height=2**31,
            max_fps=-1,
            min_fps=math.nan,
            resume_token="x" * 257,
            median_window=4,
            time_constant_s=math.inf,
            display_lines=7,
        )
    assert set(caught.value.violations) == {
        "stream_id",
        "call_id",
        "width",
        "height",
        "max_fps",
        "min_fps",
        "resume_token",
        "smoothing.median_window",
        "smoothing.time_constant_s",
        "display_lines",
    }


@pytest.mark.parametrize("stream_id", ["", "\x00", "a\u202eb", "tab\t", "x" * 129])
def test_stream_ids_are_printable_and_short(stream_id: str) -> None:
    """A stream id that would spoil a log or a label is refused."""
    with pytest.raises(InvalidConfig, match="stream_id"):
        StreamSettings(stream_id=stream_id)


def test_unicode_names_are_welcome() -> None:
    """Printable letters of any script make a stream id."""
    assert StreamSettings(stream_id="Zoë 李 / room 4").stream_id == "Zoë 李 / room 4"


@pytest.mark.parametrize("max_fps", [1e-9, 0.099, math.inf, math.nan, 1000.1])
def test_a_rate_that_would_outlast_the_idle_timeout_is_refused(max_fps: float) -> None:
    """Under COMPLETE delivery frames are held back to the rate: one in 30 years would hold a stream open."""
    with pytest.raises(InvalidConfig, match=r"max_fps: must be from 0.1 to 1000"):
        StreamSettings(stream_id="stream", max_fps=max_fps)
    assert StreamSettings(stream_id="stream", max_fps=0.1).max_fps == 0.1
    assert StreamSettings(stream_id="stream", max_fps=0).max_fps == 0
