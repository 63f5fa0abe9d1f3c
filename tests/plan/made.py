"""Constants with which sums can be done in the head."""

from __future__ import annotations

from facegauge_plan.constants import CODECS, Constants

CONSTANTS = Constants(
    machine="an invented machine",
    date="2026-01-01",
    decode_ms_per_mp=dict.fromkeys(CODECS, 2.0) | {"jpeg": 4.0},
    rgb_ms_per_mp=1.0,
    face_ms=3.0,
    score_ms={"light": 5.0, "heavy": 15.0},
    main_ms_per_frame=1.5,
    main_ms_per_unit=0.1,
    base_mib=100.0,
    worker_mib=80.0,
    stream_mib=0.5,
    decoder_pictures=12,
    series_per_stream=24,
    series_per_replica=300,
    bytes_per_mp=dict.fromkeys(CODECS, 5_000.0) | {"jpeg": 100_000.0},
)
