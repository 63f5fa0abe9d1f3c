"""The synchronous SDK, under its public name: `from facegauge_client.sync import Client`."""

from facegauge_client.sdk.sync import Client, MonitorStream

__all__ = ["Client", "MonitorStream"]
