"""Frames on their way to the server, and its answers back."""

from facegauge_gateway.forward.monitored_stream import MonitoredStream, StreamSettings

__all__ = ["MonitoredStream", "StreamSettings"]
