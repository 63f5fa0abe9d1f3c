"""The hub: every answer of the server goes to all who have subscribed, and waits for none of them."""

from __future__ import annotations

import asyncio
import functools
import json
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from facegauge_client import Assessment, Summary
from facegauge_gateway.errors import GatewayError
from facegauge_gateway.metrics import Metrics

__all__ = ["Answer", "AnswerHub", "Subscription", "TooManySubscribers"]

MAX_SUBSCRIBERS = 256
KEPT_ANSWERS = 256
"""Answers that wait for a subscriber, the newest."""


class TooManySubscribers(GatewayError):
    """As many read answers as may."""


@dataclass(frozen=True)
class Answer:
    """An assessment of a stream, or the summary with which it ends."""

    stream_id: str
    call_id: str
    value: Assessment | Summary

    @property
    def event(self) -> str:
        """`assessment` or `summary`."""
        return "summary" if isinstance(self.value, Summary) else "assessment"

    @functools.cached_property
    def line(self) -> str:
        """One line of JSON, made once for all who read it."""
        fields = {"event": self.event, "call_id": self.call_id, **self.value.to_dict()}
        fields["stream_id"] = self.stream_id
        return json.dumps(fields, ensure_ascii=False)


class Subscription:
    """Answers of one stream or of all: an asynchronous context manager and iterator.

    Of the answers that are not read in time the oldest go, counted in `dropped`. Iteration ends with the hub.
    """

    def __init__(self, hub: AnswerHub, stream_id: str | None) -> None:
        self._hub = hub
        self._stream_id = stream_id
        self._waiting: deque[Answer] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._hub.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.remove(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Answer:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    def offer(self, answer: Answer) -> bool:
        """Take an answer that is wanted; returns whether an older one had to go for it."""
        if self._stream_id is not None and answer.stream_id != self._stream_id:
            return False
        is_full = len(self._waiting) >= KEPT_ANSWERS
        if is_full:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(answer)
        self._changed.set()
        return is_full

    def end(self) -> None:
        """Let iteration end after what waits."""
        self._ended = True
        self._changed.set()


class AnswerHub:
    """Passes answers on; `publish` never waits."""

    def __init__(self, metrics: Metrics, *, max_subscribers: int = MAX_SUBSCRIBERS) -> None:
        self._metrics = metrics
        self._max_subscribers = max_subscribers
        self._subscribers: set[Subscription] = set()
        self._closed = False

    def publish(self, stream_id: str, value: Assessment | Summary, call_id: str = "") -> None:
        """Hand an answer to everybody who wants it."""
        answer = Answer(stream_id, call_id, value)
        self._metrics.answers.inc()
        for subscriber in self._subscribers:
            if subscriber.offer(answer):
                self._metrics.answers_dropped.inc()

    def subscribe(self, stream_id: str | None = None) -> Subscription:
        """Return a subscription to one stream's answers, or to all; enter it with `async with`."""
        return Subscription(self, stream_id)

    def add(self, subscription: Subscription) -> None:
        """Begin a subscription; raises TooManySubscribers."""
        if len(self._subscribers) >= self._max_subscribers:
            raise TooManySubscribers(
                f"{self._max_subscribers} read answers already, and no more may: try again later"
            )
        if self._closed:
            subscription.end()
        self._subscribers.add(subscription)
        self._metrics.subscribers.set(len(self._subscribers))

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        self._subscribers.discard(subscription)
        self._metrics.subscribers.set(len(self._subscribers))

    def close(self) -> None:
        """End all subscriptions, each after what it has not read."""
        self._closed = True
        for subscription in self._subscribers:
            subscription.end()
