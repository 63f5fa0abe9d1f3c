"""A few live streams for the page, sent by the SDK from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from facegauge_client import FacegaugeError
from facegauge_client.sync import Client

__all__ = ["LiveStreams", "live_streams"]

INTERVAL_S = 0.4


@dataclass
class LiveStreams:
    """Streams that send the same picture again and again, each until it is ended."""

    target: str
    call_id: str
    pictures: dict[str, bytes]
    """The picture that each sends, by stream id."""
    stop: threading.Event = field(default_factory=threading.Event)
    ended: set[str] = field(default_factory=set)

    def end(self, stream_id: str) -> None:
        """Let a stream end."""
        self.ended.add(stream_id)

    def run(self, stream_id: str) -> None:
        """Send until the end; a server that goes away ends it too."""
        try:
            with Client(self.target) as client, client.monitor(stream_id, self.call_id) as stream:
                while not self.stop.is_set() and stream_id not in self.ended:
                    stream.send(self.pictures[stream_id], capture_time_s=time.monotonic())
                    self.stop.wait(INTERVAL_S)
        except FacegaugeError:
            if not self.stop.is_set():
                raise


@contextmanager
def live_streams(target: str, call_id: str, pictures: dict[str, bytes]) -> Iterator[LiveStreams]:
    """Keep streams alive while the block runs."""
    streams = LiveStreams(target, call_id, pictures)
    threads = [threading.Thread(target=streams.run, args=(name,)) for name in pictures]
    for thread in threads:
        thread.start()
    try:
        yield streams
    finally:
        streams.stop.set()
        for thread in threads:
            thread.join()
