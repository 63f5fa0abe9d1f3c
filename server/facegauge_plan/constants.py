"""What was measured on one machine: `constants.json`, written by `python -m bench.plan_constants`."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["CODECS", "Constants", "read_constants"]

CODECS = ("jpeg", "h264", "vp8", "vp9", "av1")


@dataclass(frozen=True, slots=True)
class Constants:
    """Processor time, memory and series of a server. `mp` is megapixels, `ms` processor milliseconds."""

    machine: str
    """On what it was measured, in words."""
    date: str
    decode_ms_per_mp: dict[str, float]
    """Of a unit or picture, by codec: entropy coding to planes; of JPEG to RGB."""
    rgb_ms_per_mp: float
    """From a decoded video picture's planes to RGB."""
    face_ms: float
    """Of a scored frame: face search and crop, mean over searched and unsearched frames."""
    score_ms: dict[str, float]
    """Of a face, by student."""
    main_ms_per_frame: float
    """Of the server's own process: a message in, a job out, an assessment out."""
    main_ms_per_unit: float
    """Of the server's own process, for a unit of coded video, with its share of a message of 0.25 s."""
    base_mib: float
    """Resident memory of a replica without streams, workers left out."""
    worker_mib: float
    """Of a worker process; shared pages count for each."""
    stream_mib: float
    """Of a stream of pictures."""
    decoder_pictures: int
    """Pictures (4:2:0) that a stream's decoder holds."""
    series_per_stream: int
    """Prometheus series of a live stream with a student that names causes."""
    series_per_replica: int
    """Of a replica beside its streams'."""
    bytes_per_mp: dict[str, float]
    """Of a picture or unit, by codec, in the calls that were measured."""


def read_constants(path: Path | None = None) -> Constants:
    """Read constants; those of the package if no file is given.

    Raises:
        ValueError: the file is no such file; the text says which entry is wrong.
        OSError: it cannot be read.
    """
    if path is None:
        text = resources.files(__package__).joinpath("constants.json").read_text(encoding="utf-8")
    else:
        text = path.read_text(encoding="utf-8")
    found: Any = json.loads(text)
    names = {one.name for one in fields(Constants)}
    if not isinstance(found, dict) or found.keys() != names:
        wrong = names.symmetric_difference(found if isinstance(found, dict) else ())
        raise ValueError(f"these entries are missing or unknown: {', '.join(sorted(map(str, wrong)))}")
    constants = Constants(**found)
    for name, value in found.items():
        values = value.values() if isinstance(value, dict) else [value]
        if name not in ("machine", "date") and not all(isinstance(v, int | float) and v > 0 for v in values):
            raise ValueError(f"{name} must be numbers above 0")
    return constants
