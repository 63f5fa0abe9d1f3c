"""Frames on their way to the server, and its answers back."""

from facegauge_gateway.forward.monitored_stream import MonitoredStream, StreamSettings
from facegauge_gateway.forward.patient_stream import PatientStream

__all__ = ["MonitoredStream", "PatientStream", "StreamSettings"]
