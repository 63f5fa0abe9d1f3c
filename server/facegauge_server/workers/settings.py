"""What workers are started with. Light to import: the server itself loads no native code of the stages."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_server.config import Limits
from facegauge_server.engines.student import Student

__all__ = ["Prepared", "WorkSettings"]

MIB = 1024 * 1024
MEMORY_BYTES = 96 * MIB
MEMORY_BYTES_A_PIXEL = 32
"""What a frame may take: its pixels three times over (9), a progressive JPEG's coefficients (6), and room."""


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """What a worker must know, the same for all."""

    student: Student
    limits: Limits
    scores: bool
    """Whether a worker scores by itself; else it returns crops."""
    precision: str = "auto"

    @property
    def memory_bytes(self) -> int:
        """What one frame may take, and the decoders of all streams together."""
        frame_bytes = MEMORY_BYTES + MEMORY_BYTES_A_PIXEL * self.limits.max_frame_pixels
        return frame_bytes + self.limits.max_decoder_bytes

    @property
    def crop_bytes(self) -> int:
        """All crops of one frame together, where they travel; else 0."""
        if self.scores:
            return 0
        return self.student.input_width * self.student.input_height * 3 * self.limits.max_faces


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is found out once, so that each worker starts in a fraction of a second."""

    engine: str
    """`openvino`, or empty where workers do not score."""
    precision: str
    networks: dict[str, bytes]
    """Compiled, by name."""
