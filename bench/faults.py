"""Which faults are named in clips that have one, and in clips that have none.

    uv run --group dev python -m bench.faults ../shared/videos/*.mp4 ../shared/videos/*.m[kp][vg]

Each clip is played whole, as JPEG, and then once for each fault with that fault put into it. Told are the
faults that were named while the clip was well, and for each fault that was put in, which was named first and
how long after its beginning. The table's columns are what was named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import click
import cv2
import simplejpeg
from skimage import data

from bench.fault_clips import INSERTED, TimedPicture, faulty, read_clip
from facegauge_server.face_limits import face_state
from facegauge_server.faults.stream_faults import StreamFaults
from facegauge_server.stages.decode import decode
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.track import FaceTracker
from facegauge_server.stages.view import StillState, look
from facegauge_server.types import (
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    Fault,
    FrameResult,
    FrameScore,
    View,
)

__all__ = ["main"]

SPANS_S = (3.0, 2.0, 3.0)
"""Well, faulty, well again."""
AFTER_S = 2.5
"""A fault that ended so long ago must not be named any more."""


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--fps", default=12.5, show_default=True, help="Of the call.")
@click.option("--quality", default=60, show_default=True, help="Of its JPEG pictures.")
def main(clips: tuple[Path, ...], fps: float, quality: int) -> None:
    """Print the faults named on clips as they are, and the table of faults put in against faults named."""
    cv2.setNumThreads(1)
    named: defaultdict[str, Counter[str]] = defaultdict(Counter)
    delays_s: defaultdict[str, list[float]] = defaultdict(list)
    elsewhere: Counter[str] = Counter()
    frames = 0
    with FaceDetector() as detector:
        for path in clips:
            clip = read_clip(path, fps)
            frames += len(clip)
            alarms = Counter(fault.kind for _, faults in _play(clip, detector, quality) for fault in faults)
            click.echo(f"{path.name}: {len(clip)} frames, {dict(alarms) or 'no fault'} named as it is")
            boxes = detector.detect(clip[0].pixels)
            if not boxes:
                continue
            face = max(boxes, key=lambda box: box.area)
            for fault in INSERTED:
                seen = list(_play(faulty(clip, fault, face, data.rocket(), fps, SPANS_S), detector, quality))
                _judge(fault, seen, named[fault], delays_s[fault], elsewhere)
    _tell(named, delays_s, elsewhere, frames)


def _play(
    pictures: Iterable[TimedPicture], detector: FaceDetector, quality: int
) -> Iterable[tuple[float, tuple[Fault, ...]]]:
    """Yield the faults that last at each picture, as the server finds them."""
    tracker, still, faults = FaceTracker(0.5, 8, 2.0), StillState(), StreamFaults()
    for number, picture in enumerate(pictures):
        coded = simplejpeg.encode_jpeg(picture.pixels, quality=quality, colorsubsampling="420")
        frame = decode(EncodedFrame(number, picture.capture_time_s, Encoding.JPEG, coded), 1 << 30, 1 << 15)
        faults.arrivals.frame(frame.capture_time_s)
        boxes = tracker.step(frame, detector)
        view, still = look(boxes, still)
        faults.views.frame(_score(frame.capture_time_s, boxes.faces, view))
        yield frame.capture_time_s, faults.now


def _score(at_s: float, faces: tuple[FaceBox, ...], view: View) -> FrameScore:
    """Return a frame's score without qualities, which no rule asks for."""
    states = [face_state(face.box) for face in faces]
    result = (
        FrameResult.SCORED
        if any(state is not FaceState.TOO_SMALL for state in states)
        else FrameResult.TOO_SMALL
    )
    scores = tuple(FaceScore(face, state, None) for face, state in zip(faces, states, strict=True))
    return FrameScore(0, at_s, result if faces else FrameResult.NO_FACE, scores, view=view)


def _judge(
    fault: str,
    seen: list[tuple[float, tuple[Fault, ...]]],
    named: Counter[str],
    delays_s: list[float],
    elsewhere: Counter[str],
) -> None:
    begin_s, end_s = SPANS_S[0], SPANS_S[0] + SPANS_S[1]
    kinds = {one.kind.value for at_s, faults in seen if begin_s <= at_s < end_s + 0.5 for one in faults}
    right = INSERTED[fault]
    first_s = min((at_s for at_s, faults in seen for one in faults if one.kind is right), default=None)
    named.update(kinds or ["nothing"])
    if first_s is not None:
        delays_s.append(first_s - begin_s)
    for at_s, faults in seen:
        if not begin_s <= at_s < end_s + AFTER_S:
            elsewhere.update(one.kind for one in faults)


def _tell(
    named: dict[str, Counter[str]], delays_s: dict[str, list[float]], elsewhere: Counter[str], frames: int
) -> None:
    columns = [*dict.fromkeys(INSERTED.values()), "nothing"]
    click.echo(f"\n{frames} frames as they are\n")
    click.echo("| put in | " + " | ".join(columns) + " | named after, median and longest |")
    click.echo("|---" * (len(columns) + 2) + "|")
    for fault, counts in named.items():
        after = f"{median(delays_s[fault]):.2f} s, {max(delays_s[fault]):.2f} s" if delays_s[fault] else ""
        click.echo(
            f"| {fault} | " + " | ".join(str(counts[column] or "") for column in columns) + f" | {after} |"
        )
    click.echo(
        f"\nnamed before the fault, or {AFTER_S:g} s and more after it, frames: {dict(elsewhere) or 'none'}"
    )


if __name__ == "__main__":
    main()
