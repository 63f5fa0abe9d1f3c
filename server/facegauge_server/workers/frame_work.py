"""What is done to one frame: decode -> locate -> crop -> score, as a function of the frame and the tracker.

A worker process has one `FrameWork`. Nothing in it remembers a stream of pictures, so any worker may take any
frame; of a stream of coded video it has the decoder, and the others do not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np

from facegauge_server.coded_types import UnitRun
from facegauge_server.compiled_networks import recording, reuse
from facegauge_server.engines import create_engine
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.score import score_crops
from facegauge_server.stages.classify import classify
from facegauge_server.stages.crop import crop_faces
from facegauge_server.stages.decode import decode
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.video_pixels import rgb_pixels
from facegauge_server.stages.view import look
from facegauge_server.types import CropScore, EncodedFrame, Encoding, FaceCrop, FaceCrops, Frame
from facegauge_server.workers.settings import Prepared, WorkSettings
from facegauge_server.workers.stream_decoders import StreamDecoders
from facegauge_server.workers.tracker_state import TrackerCell, pack, snapshot_of, unpack
from facegauge_server.workers.work import Assessed, Work

__all__ = ["FrameWork", "make", "prepare"]


class FrameWork:
    """The stages as they are, for one thread."""

    def __init__(self, settings: WorkSettings, precision: str) -> None:
        """Load the detectors and, where workers score, the student in a precision."""
        cv2.setNumThreads(1)  # the processes are the parallelism
        self._settings = settings
        self._decoders = StreamDecoders(settings.limits)
        self._detector = FaceDetector()
        self._engine = OpenVinoEngine(settings.student, 1, precision) if settings.scores else None

    def assess(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Assessed:
        """Work on a stream's next frame: see `Work`."""
        times = _StageTimes()
        with times.timed("decode"):
            limits = self._settings.limits
            decoded = decode(frame, limits.max_frame_pixels, limits.max_frame_side)
        return self._assess(decoded, tracker, display_lines, times)

    def assess_run(self, run: UnitRun, decoder: int, tracker: bytes, display_lines: int) -> Assessed:
        """Decode a stream's next units, and work on the picture that is picked: see `Work`."""
        times = _StageTimes()
        with times.timed("decode_video"):
            decoded, picture = self._decoders.decode(run, decoder)
        if picture is None:
            crops = FaceCrops(0, 0.0, ())
            return Assessed(tracker, crops, None, tuple(times.items), decoded)
        with times.timed("decode"):
            frame = Frame(picture.sequence, picture.capture_time_s, rgb_pixels(picture.frame))
        return replace(self._assess(frame, tracker, display_lines, times), decoded=decoded)

    def forget(self, decoder: int) -> None:
        """Free a stream's decoder."""
        self._decoders.forget(decoder)

    def _assess(self, frame: Frame, tracker: bytes, display_lines: int, times: _StageTimes) -> Assessed:
        student = self._settings.student
        faces, still = unpack(tracker)
        with times.timed("locate"):
            boxes = faces.step(frame, self._detector)
            view, still = look(boxes, still)
        with times.timed("crop"):
            crops = crop_faces(boxes, student.input_width, student.input_height, display_lines)
            crops = replace(crops, view=view)
        score = None
        if self._engine is not None:
            scores: list[CropScore] = []
            if crops.crops:
                with times.timed("score"):
                    scores = self._score(crops.crops, self._engine)
            score = classify(crops, scores)
        return Assessed(
            pack(faces, still), crops, score, tuple(times.items), snapshot=snapshot_of(faces, still)
        )

    def warm_up(self) -> None:
        """Work on a grey picture and a grey crop: what is broken shows before a stream's frame does."""
        width, height = 320, 240
        picture = bytes([127]) * (width * height * 3)
        frame = EncodedFrame(0, 0.0, Encoding.RGB24, picture, width, height)
        self.assess(frame, TrackerCell().state, 720)
        if self._engine is not None:
            student = self._settings.student
            score_crops(
                np.full((1, student.input_height, student.input_width, 3), 127, np.uint8), self._engine
            )

    def _score(self, crops: tuple[FaceCrop, ...], engine: OpenVinoEngine) -> list[CropScore]:
        return [score_crops(crop.pixels[None], engine)[0] for crop in crops]


class _StageTimes:
    def __init__(self) -> None:
        self.items: list[tuple[str, float]] = []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start_s = time.perf_counter()
        yield
        self.items.append((stage, time.perf_counter() - start_s))


def prepare(settings: WorkSettings) -> Prepared:
    """Choose the precision and compile all networks; runs once, in a process that ends with it.

    Raises BadModel or BadConfiguration as `create_engine` does.
    """
    cv2.setNumThreads(1)
    with recording() as networks:
        FaceDetector().close()
        if not settings.scores:
            return Prepared("", "", networks)
        engine = create_engine("openvino", settings.student, threads=1, precision=settings.precision)
        return Prepared(engine.name, engine.precision, networks)


def make(settings: WorkSettings, prepared: Prepared) -> Work:
    """Make a worker's work, and show that it works."""
    reuse(prepared.networks)
    work = FrameWork(settings, prepared.precision)
    work.warm_up()
    return work
