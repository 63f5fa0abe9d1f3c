"""A sender's bitrate capped and lifted again, and what the score says meanwhile."""

from __future__ import annotations

from bench.real_call.call import Caller
from bench.real_call.gateway import Gateway

__all__ = ["START_KBIT_PER_S", "falls_and_recovers"]

START_KBIT_PER_S = 1000
CAP_KBIT_PER_S = 30


async def falls_and_recovers(gateway: Gateway, call: Caller, stream_id: str) -> None:
    """Cap a call that has been scored for a while, wait for its fall, and for its rise without the cap."""
    before = gateway.quality(stream_id) or 0.0

    await call.cap(CAP_KBIT_PER_S)
    start = len(gateway.answers)
    await gateway.until(
        lambda: (gateway.quality(stream_id, start) or 1.0) < before - 0.1, f"a fall from {before:.2f}"
    )
    during = gateway.quality(stream_id, start) or 1.0

    await call.cap(START_KBIT_PER_S)
    start = len(gateway.answers)
    halfway = (before + during) / 2
    await gateway.until(
        lambda: (gateway.quality(stream_id, start) or 0.0) > max(halfway, before - 0.05),
        f"a rise from {during:.2f} back to {before:.2f}",
    )
