"""What a trace costs the event loop: `python -m bench.tracing`.

Processor time a frame, for frames that are drawn never, once in a hundred, and always. The collector is not
there, which is a collector's most expensive state for the thread that sends, and makes no difference here.
"""

from __future__ import annotations

import logging
import time

import click

from facegauge_server.tracing.otlp import OtlpTraces
from facegauge_server.tracing.settings import Tracing
from facegauge_server.tracing.traces import FrameTimes, TracedCall
from facegauge_server.types import FrameResult, FrameScore

__all__: list[str] = []

FRAMES = 5000
STAGES = tuple((name, 0.002) for name in ("decode", "locate", "crop", "score"))


def cost_us(ratio: float) -> float:
    """Return the thread's processor time of a frame, microseconds."""
    settings = Tracing(otlp_endpoint="http://127.0.0.1:9", trace_ratio=ratio)
    traces = OtlpTraces(settings, lambda _result, _spans: None)
    score = FrameScore(0, 0.0, FrameResult.SCORED, stage_times_s=STAGES)
    call, times = TracedCall("MonitorStream", "tenant", "stream", "call"), FrameTimes(0.0, 0.01, 0.02)
    begun_s = time.thread_time()
    for _ in range(FRAMES):
        traces.frame(call, times, score)
    return (time.thread_time() - begun_s) / FRAMES * 1e6


@click.command()
def main() -> None:
    """Print the cost for each ratio."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    for ratio in (0.0, 0.01, 1.0):
        click.echo(f"--trace-ratio {ratio:g}: {cost_us(ratio):.1f} µs of processor time a frame")


if __name__ == "__main__":
    main()
