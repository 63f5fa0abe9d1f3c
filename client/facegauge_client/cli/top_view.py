"""Display of `facegauge top`: a line about the server, one about its streams, and a table, worst first."""

from __future__ import annotations

import math
from collections import deque

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from facegauge_client.cli.paint import is_poor
from facegauge_client.cli.top_table import printable, stream_table
from facegauge_client.sdk.types import StreamList

__all__ = ["HISTORY_SAMPLES", "TopView", "print_list"]

HISTORY_SAMPLES = 30
HEADER_LINES = 3
"""The server, the totals and the names of the columns."""
LATE_S = 3.0
"""Seconds beyond two intervals without a list after which the server is shown as silent."""
EMPTY = "no live streams; play one with: facegauge replay FILE"


class TopView:
    """The latest list of streams, their history, and the state of the connection."""

    def __init__(self, target: str, interval_s: float) -> None:
        self.now_s = 0.0
        """Set before drawing; on the same clock as the times passed to `take` and `lose`."""
        self.changes = 0
        """Counts calls of `take` and `lose`."""
        self._target = target
        self._interval_s = interval_s
        self._streams = StreamList()
        self._taken_s = 0.0
        self._sampled_s: float | None = None
        self._histories: dict[str, deque[float | None]] = {}
        self._retry_s: float | None = None
        self._has_causes = False
        """Whether any was named so far: their column comes once, and stays."""

    def take(self, streams: StreamList, now_s: float) -> None:
        """Take in a list from the server."""
        self.changes += 1
        self._streams, self._taken_s, self._retry_s = streams, now_s, None
        self._has_causes = self._has_causes or _name_causes(streams)
        listed = {status.stream_id: status.quality for status in streams.streams}
        for _ in range(self._samples_due(now_s) - 1):
            self._sample({})
        if self._samples_due(now_s):
            self._sample(listed)
            self._sampled_s = now_s

    def _samples_due(self, now_s: float) -> int:
        """How many of the histories' steps have passed: more than one after a time without the server."""
        if self._sampled_s is None:
            return 1
        return min(round((now_s - self._sampled_s) / self._interval_s), HISTORY_SAMPLES)

    def _sample(self, listed: dict[str, float | None]) -> None:
        """Extend all histories, by a gap where a stream is not listed; drop those that are all gap."""
        for stream_id in listed.keys() - self._histories.keys():
            self._histories[stream_id] = deque(maxlen=HISTORY_SAMPLES)
        for stream_id, history in list(self._histories.items()):
            history.append(listed.get(stream_id))
            if stream_id not in listed and all(quality is None for quality in history):
                del self._histories[stream_id]

    def lose(self, retry_s: float) -> None:
        """Note that the server is unavailable and when it is tried again; until then the list is grey."""
        self.changes += 1
        self._retry_s = retry_s

    @staticmethod
    def rows(height: int) -> int:
        """Return how many streams fit on a terminal."""
        return max(height - HEADER_LINES, 1)

    def status(self, width: int) -> Text:
        """Return one line about the server and the connection."""
        if self._retry_s is not None:
            left_s = math.ceil(self._retry_s - self.now_s)
            again = f"trying again in {left_s} s" if left_s > 0 else "trying again now"
            said = f"server at {self._target} went down, {again}"
            return Text(said if len(said) <= width else f"server down, {again}", style="bold red")
        silent_s = self.now_s - self._taken_s
        if silent_s > 2 * self._interval_s + LATE_S:
            return Text(f"server at {self._target} silent for {silent_s:.0f} s", style="bold yellow")
        before, behind = ("connected to ", "  q quits") if len(self._target) + 24 <= width else ("", "")
        replica = _replica(self._streams)
        if len(self._target) + len(replica) + 24 > width:
            replica = ""
        return Text.assemble(("● ", "green"), before, (self._target, "bold"), replica, (behind, "dim"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, is_away = options.max_width, self._retry_s is not None
        yield _line(self.status(width), width)
        yield _line(_totals(self._streams), width, is_grey=is_away)
        if not self._streams.streams:
            if not is_away:
                yield Text(EMPTY)
            return
        shown = self._streams.streams[: self.rows(options.height or console.height)]
        yield stream_table(shown, width, self._histories, with_causes=self._has_causes, is_grey=is_away)


def print_list(streams: StreamList, console: Console) -> None:
    """Print the list once, for output that is not a terminal."""
    console.print(_line(_totals(streams), console.width))
    if not streams.streams:
        console.print(Text(EMPTY))
        return
    console.print(stream_table(streams.streams, console.width, with_causes=_name_causes(streams)))


def _name_causes(streams: StreamList) -> bool:
    return any(status.main_cause is not None for status in streams.streams)


def _replica(streams: StreamList) -> str:
    """Return which server it is that answers, which the target does not say where a proxy is."""
    server = streams.server
    return f", replica {printable(server.replica)}" if server is not None and server.replica else ""


def _totals(streams: StreamList) -> Text:
    listed = len(streams.streams)
    poor = sum(is_poor(status.quality) for status in streams.streams)
    # Worst first: where the last one listed is not poor, none beyond it is.
    is_least = listed < streams.total and poor == listed
    text = Text.assemble((f"{streams.total} live", "bold"))
    text.append(f", {poor}{' or more' if is_least else ''} poor", style="red" if poor else "dim")
    if listed < streams.total:
        text.append(f", the worst {listed} shown", style="dim")
    return text


def _line(text: Text, width: int, *, is_grey: bool = False) -> Text:
    if is_grey:
        text = Text(text.plain, style="dim")
    text.truncate(width, overflow="ellipsis")
    return text
