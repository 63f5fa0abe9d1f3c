"""How long to wait before a stream is opened again."""

from __future__ import annotations

from facegauge_client.sdk.backoff import backoff_delays_s

__all__ = ["RetryDelays"]

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0


class RetryDelays:
    """Waits that grow while attempts fail soon, and begin anew after one that has lasted."""

    def __init__(self) -> None:
        self._delays_s = backoff_delays_s(first_s=FIRST_DELAY_S, longest_s=LONGEST_DELAY_S)

    def after(self, lasted_s: float) -> float:
        """Return the wait after an attempt that has lasted so long, from its beginning to its end."""
        if lasted_s >= LONGEST_DELAY_S:
            self._delays_s = backoff_delays_s(first_s=FIRST_DELAY_S, longest_s=LONGEST_DELAY_S)
        return next(self._delays_s)
