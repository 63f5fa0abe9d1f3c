"""The header by which a caller says in which trace it calls."""

from __future__ import annotations

import pytest

from facegauge_server.tracing.trace_parent import TraceParent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "is_sampled"), [("01", True), ("00", False), ("03", True), ("fe", False)])
def test_it_is_read_as_the_standard_says(flags: str, is_sampled: bool) -> None:
    """Ids, and whether the caller traces; flags that are unknown are not looked at."""
    found = TraceParent.parse(f"00-{TRACE}-{SPAN}-{flags}")
    assert found == TraceParent(int(TRACE, 16), int(SPAN, 16), is_sampled)
    assert found.trace_id_hex == TRACE


def test_a_later_version_may_say_more() -> None:
    """What is known of it is used."""
    assert TraceParent.parse(f"01-{TRACE}-{SPAN}-01-more") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_a_bad_one_is_as_good_as_absent(text: str) -> None:
    """No caller is refused for it."""
    assert TraceParent.parse(text) is None
