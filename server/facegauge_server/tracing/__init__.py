"""Traces of frames for OpenTelemetry, off until an operator names a collector.

Nothing but `otlp.py` imports OpenTelemetry, which is an extra: `pip install 'facegauge-server[tracing]'`.
"""
