"""The decoders of the streams that are at home in one worker, within a budget of memory."""

from __future__ import annotations

from dataclasses import replace

from facegauge_server.coded_types import DecodedRun, UnitRun
from facegauge_server.config import Limits
from facegauge_server.stages.decode_video import Picture, VideoDecoder

__all__ = ["StreamDecoders"]


class StreamDecoders:
    """Decoders by number."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._decoders: dict[int, VideoDecoder] = {}

    def __len__(self) -> int:
        return len(self._decoders)

    def decode(self, run: UnitRun, number: int) -> tuple[DecodedRun, Picture | None]:
        """Decode a stream's next units, and pick a picture.

        Whatever is raised here costs the stream its decoder: what state it is in, nobody knows.
        """
        limits = self._limits
        decoder = self._decoders.pop(number, None)
        if decoder is None:
            decoder = VideoDecoder(limits.max_frame_pixels, limits.max_frame_side)
        decoded, picture = decoder.decode(run)
        held_bytes = sum(other.held_bytes for other in self._decoders.values()) + decoder.held_bytes
        if held_bytes > limits.max_decoder_bytes:
            decoder.forget()
            fault = (
                "the decoders of this worker's streams would take more than "
                f"{limits.max_decoder_bytes} bytes (--max-decoder-bytes): send it smaller"
            )
            decoded = replace(decoded, fault=decoded.fault or fault, is_broken=True)
        self._decoders[number] = decoder
        return decoded, picture

    def forget(self, number: int) -> None:
        """Free a decoder."""
        self._decoders.pop(number, None)
