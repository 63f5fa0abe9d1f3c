"""Follow what a server tells, without end, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from facegauge_client import (
    FacegaugeError,
    QuotaExceeded,
    RequestRejected,
    ServerFull,
    TokenUnavailable,
)
from facegauge_client.sdk.backoff import backoff_delays_s
from facegauge_gateway.log import Log

__all__ = ["follow"]

T = TypeVar("T")
LASTING = (RequestRejected, TokenUnavailable)
PASSING = (ServerFull, QuotaExceeded)
LASTING_RETRY_S = 30.0
"""Time until the next attempt where only somebody who acts can help: a token that is refused."""


async def follow(
    watch: Callable[[], AsyncGenerator[T]],
    take: Callable[[T], Awaitable[None]],
    lose: Callable[[str, float], None],
    *,
    silence_s: float | None = None,
) -> None:
    """Hand all values on until cancelled.

    Args:
        watch: begins over one connection; may raise FacegaugeError at any time.
        take: receives each value.
        lose: receives the reason why nothing comes now, a sentence, and the seconds until the next attempt.
        silence_s: longest time without a value on a connection that works; None where values may be rare.
    """
    log = Log()
    delays_s = backoff_delays_s()
    while True:
        is_lasting = False
        try:
            async with aclosing(watch()) as values:
                while True:
                    async with asyncio.timeout(silence_s):
                        value = await anext(values)
                    await take(value)
                    delays_s = backoff_delays_s()
        except StopAsyncIteration:
            reason = "the server has ended the connection: it shuts down"
        except TimeoutError:
            reason = f"the server has sent nothing for {silence_s:g} s"
        except FacegaugeError as error:
            reason = str(error)
            is_lasting = isinstance(error, LASTING) and not isinstance(error, PASSING)
        except Exception as error:  # noqa: BLE001 - the next attempt may do without our defect
            reason = "the gateway failed to follow the server: see its log"
            log.defect("following failed", error)
        delay_s = LASTING_RETRY_S if is_lasting else next(delays_s)
        lose(reason, delay_s)
        await asyncio.sleep(delay_s)
