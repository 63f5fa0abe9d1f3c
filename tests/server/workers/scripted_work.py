"""Work that does what a frame's bytes say, for tests of what becomes of a worker. Imports no native code.

A frame's data is a command, and perhaps an argument: see `ScriptedWork.assess`. The tracker counts the frames
of its stream; the score's error holds the worker's process id, its capture time the length of the data.
A run of units is so many commands; its score's sequence is the number of decoders that the worker has.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from facegauge_server.coded_types import DecodedRun, UnitOutcome, UnitRun
from facegauge_server.errors import BadFrame, BadModel
from facegauge_server.types import EncodedFrame, FaceCrops, FrameResult, FrameScore
from facegauge_server.workers.settings import Prepared, WorkSettings
from facegauge_server.workers.work import Assessed


def prepare(settings: WorkSettings) -> Prepared:
    """Nothing, or what the precision says."""
    if settings.precision == "bad model":
        raise BadModel("the student is missing")
    if settings.precision == "abort":
        os.abort()
    return Prepared("scripted", settings.precision, {"network": b"compiled"})


def make(settings: WorkSettings, prepared: Prepared) -> ScriptedWork:
    assert prepared.networks == {"network": b"compiled"}
    if Path(settings.precision).is_absolute() and Path(settings.precision).exists():
        sys.stderr.write("this worker does not start\n")
        os.abort()
    return ScriptedWork()


class ScriptedWork:
    """Obeys."""

    def __init__(self) -> None:
        self._units: dict[int, int] = {}

    def assess_run(self, run: UnitRun, decoder: int, tracker: bytes, display_lines: int) -> Assessed:
        """Obey each unit; the score's capture time is the number of units that the decoder has had."""
        outcomes = []
        for unit in run.units:
            if unit.starts:
                self._units[decoder] = 0
            if decoder not in self._units:
                outcomes.append(UnitOutcome.NOT_DECODED)
                continue
            self.assess(unit.frame, tracker, display_lines)
            self._units[decoder] += 1
            outcomes.append(UnitOutcome.DECODED)
        seen = float(self._units.get(decoder, 0))
        score = FrameScore(len(self._units), seen, FrameResult.NO_FACE, error=str(os.getpid()))
        decoded = DecodedRun(tuple(outcomes), (0, seen), is_broken=decoder not in self._units)
        return Assessed(tracker, FaceCrops(0, 0.0, ()), score, (("decode_video", 0.001),), decoded)

    def forget(self, decoder: int) -> None:
        """Forget how many units a decoder has had."""
        self._units.pop(decoder, None)

    def assess(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Assessed:  # noqa: ARG002 - as `Work` has it
        seen = int(tracker or b"0") + 1
        data = bytes(frame.data)
        command, _, argument = data.partition(b" ")
        if command == b"ok" and argument:
            time.sleep(float(argument))
        elif command == b"abort":
            os.abort()
        elif command == b"segfault":
            ctypes.string_at(0)
        elif command == b"spin":
            while True:
                pass
        elif command == b"hang":
            time.sleep(1000)
        elif command == b"refuse":
            raise BadFrame("not this one")
        elif command == b"fail":
            raise RuntimeError("a bug")
        elif command == b"memory":
            bytearray(int(argument))
        elif command == b"noise":
            sys.stderr.write("x" * 10_000_000)
        elif command == b"crowd":
            return self._result(frame, bytes(10_000_000))
        return self._result(frame, str(seen).encode())

    def _result(self, frame: EncodedFrame, tracker: bytes) -> Assessed:
        length = float(len(frame.data))
        score = FrameScore(frame.sequence, length, FrameResult.NO_FACE, error=str(os.getpid()))
        crops = FaceCrops(frame.sequence, frame.capture_time_s, ())
        return Assessed(tracker, crops, score, (("decode", 0.001),))
