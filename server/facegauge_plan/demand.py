"""What streams take: processor time, memory, network and series, by formulas that can be checked by hand."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_plan.constants import CODECS, Constants

__all__ = ["BadWorkload", "StreamDemand", "Workload", "stream_demand"]

PLANE_BYTES = 1.5
"""Bytes of a pixel in 4:2:0."""


class BadWorkload(ValueError):
    """The workload cannot be; the text says which of its numbers is wrong."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Streams that are alike."""

    streams: int
    """Live at once, at the busiest time."""
    codec: str
    """One of `CODECS`."""
    scored_fps: float
    """Pictures of a stream that are scored, a second."""
    width: int
    height: int
    unit_fps: float = 30.0
    """Units of coded video that are decoded, a second: of three temporal layers, the base's are a quarter."""
    faces: float = 1.0
    """Faces in a picture, mean."""
    student: str = "facegauge-small"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise BadWorkload(f"codec {self.codec!r}: choose one of {', '.join(CODECS)}")
        for name in ("streams", "scored_fps", "width", "height", "faces"):
            if not getattr(self, name) > 0:
                raise BadWorkload(f"{name} must be greater than 0")
        if self.is_coded and self.unit_fps < self.scored_fps:
            raise BadWorkload(
                f"{self.unit_fps:g} units a second have no {self.scored_fps:g} pictures to score: "
                "raise unit_fps or lower scored_fps"
            )

    @property
    def is_coded(self) -> bool:
        """Whether units of coded video come rather than pictures."""
        return self.codec != "jpeg"

    @property
    def mp(self) -> float:
        """Megapixels of a picture."""
        return self.width * self.height / 1e6


@dataclass(frozen=True, slots=True)
class StreamDemand:
    """What one stream takes."""

    worker_ms: float
    """Processor time in worker processes, milliseconds a second."""
    main_ms: float
    """In the server's own process, likewise: one thread does nearly all of it."""
    memory_mib: float
    kbit_per_s: float
    """What it sends."""
    series: int

    @property
    def cores(self) -> float:
        """Cores that it keeps busy."""
        return (self.worker_ms + self.main_ms) / 1000


def stream_demand(work: Workload, constants: Constants) -> StreamDemand:
    """Return what one stream of a workload takes.

    With f scored pictures and u units a second, m megapixels and n faces:

        worker_ms  of pictures:     f (decode m + face + n score)
                   of coded video:  u decode m + f (rgb m + face + n score)
        main_ms    of pictures:     f main_frame
                   of coded video:  f main_frame + u main_unit
        memory     a stream's, and of coded video 12 pictures of 1.5 bytes a pixel in its decoder

    Raises:
        BadWorkload: the student was not measured.
    """
    if work.student not in constants.score_ms:
        raise BadWorkload(f"student {work.student!r}: measured were {', '.join(constants.score_ms)}")
    decode_ms = constants.decode_ms_per_mp[work.codec] * work.mp
    scoring_ms = constants.face_ms + work.faces * constants.score_ms[work.student]
    bits = 8 * constants.bytes_per_mp[work.codec] * work.mp
    if not work.is_coded:
        return StreamDemand(
            worker_ms=work.scored_fps * (decode_ms + scoring_ms),
            main_ms=work.scored_fps * constants.main_ms_per_frame,
            memory_mib=constants.stream_mib,
            kbit_per_s=work.scored_fps * bits / 1000,
            series=constants.series_per_stream,
        )
    scoring_ms += constants.rgb_ms_per_mp * work.mp
    decoder_mib = constants.decoder_pictures * PLANE_BYTES * work.mp * 1e6 / 2**20
    return StreamDemand(
        worker_ms=work.unit_fps * decode_ms + work.scored_fps * scoring_ms,
        main_ms=work.scored_fps * constants.main_ms_per_frame + work.unit_fps * constants.main_ms_per_unit,
        memory_mib=constants.stream_mib + decoder_mib,
        kbit_per_s=work.unit_fps * bits / 1000,
        series=constants.series_per_stream,
    )
