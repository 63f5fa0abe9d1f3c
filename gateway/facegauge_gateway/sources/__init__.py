"""What the doors have in common: sources of RTP, how they are bounded, counted and forwarded."""

from facegauge_gateway.sources.byte_rate import ByteRate
from facegauge_gateway.sources.coded_frame import coded_frame
from facegauge_gateway.sources.fault_log import FaultLog
from facegauge_gateway.sources.refusals import Refusals
from facegauge_gateway.sources.source_metrics import Source, SourceTotals, export_sources

__all__ = ["ByteRate", "FaultLog", "Refusals", "Source", "SourceTotals", "coded_frame", "export_sources"]
