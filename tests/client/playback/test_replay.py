"""Names of streams."""

from __future__ import annotations

from pathlib import Path

from facegauge_client.playback.replay import name_streams


def test_streams_are_named_after_files_and_differ() -> None:
    """The name where it is the only one, the path where two share it, a number for a file given twice."""
    paths = [Path(name) for name in ("a/call.mp4", "b/call.mp4", "talk.mkv", "talk.mkv", "x\né.mp4")]
    names = name_streams(paths, "run1-")
    assert names == ["run1-a/call.mp4", "run1-b/call.mp4", "run1-talk.mkv", "run1-talk.mkv#2", "run1-x?é.mp4"]


def test_long_names_fit_the_servers_limit_and_stay_apart() -> None:
    """128 characters, whatever the path; the end of the name, which differs, is kept."""
    paths = [Path("d" * 200 + suffix) for suffix in ("1.mp4", "2.mp4")] * 2
    names = name_streams(paths)
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 128
    assert names[1].endswith("2.mp4")
