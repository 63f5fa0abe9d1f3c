"""What automatic sampling saves, and how much later it tells what has changed.

    uv run --group dev python -m bench.sampling ../shared/videos/*.mp4

Each clip is played three times in a row, coded well, badly and well again (x264, CRF 23, 45, 23), once with
every frame scored and once as `min_fps` would have it. Told are the share of frames that were scored, how far
the smoothed quality strays meanwhile, and how much later it crosses half of the way down and up again.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import click
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.engines import create_engine
from facegauge_server.engines.score import score_crops
from facegauge_server.engines.student import load_student
from facegauge_server.stages.crop import crop_faces
from facegauge_server.stages.decode import decode
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.stages.track import FaceTracker
from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.types import EncodedFrame, Encoding, FaceScore, FaceState, FrameResult, FrameScore

__all__ = ["main"]

ACT_S = 8.0
CRFS = (23, 45, 23)


@dataclass(frozen=True, slots=True)
class Scored:
    """A frame, and what the pipeline made of it when every frame is scored."""

    frame: EncodedFrame
    score: FrameScore


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--fps", default=5.0, show_default=True, help="Of the call.")
@click.option("--min-fps", default="1,0.5", show_default=True, help="Least rates to try.")
def main(clips: tuple[Path, ...], fps: float, min_fps: str) -> None:
    """Tell what automatic sampling saves and costs on clips that get worse and better."""
    student = load_student("default")
    engine = create_engine("openvino", student, 1)
    rates = [float(rate) for rate in min_fps.split(",")]
    click.echo("clip                            min_fps  scored  mean stray  later down s  later up s")
    rows: dict[float, list[list[float]]] = {rate: [] for rate in rates}
    with FaceDetector() as detector:
        for clip in clips:
            tracker = FaceTracker(steady_detect_interval_s=2.0)
            played = []
            for encoded in _call(clip, fps):
                boxes = tracker.step(decode(encoded, 10**8, 8192), detector)
                crops = crop_faces(boxes, student.input_width, student.input_height).crops
                scores = score_crops(np.stack([crop.pixels for crop in crops]), engine) if crops else []
                faces = tuple(
                    FaceScore(crop.face, FaceState.SCORED, score.quality)
                    for crop, score in zip(crops, scores, strict=True)
                )
                result = FrameResult.SCORED if faces else FrameResult.NO_FACE
                score = FrameScore(encoded.sequence, encoded.capture_time_s, result, faces)
                played.append(Scored(encoded, score))
            everything, _ = _smoothed(played, 0.0)
            for rate in rates:
                sampled, share = _smoothed(played, rate)
                stray = float(np.nanmean(np.abs(sampled - everything)))
                later_s = (np.subtract(_crossings(sampled, fps), _crossings(everything, fps)) / fps).tolist()
                row = [share, stray, *later_s]
                rows[rate].append(row)
                figures = f"{row[0]:7.0%} {row[1]:11.3f} {row[2]:13.1f} {row[3]:11.1f}"
                click.echo(f"{clip.name[:30]:30} {rate:8g} {figures}")
    for rate in rates:
        mean, worst = np.nanmean(rows[rate], axis=0), np.nanmax(rows[rate], axis=0)
        click.echo(
            f"{'mean (worst)':30} {rate:8g} {mean[0]:7.0%} {mean[1]:5.3f} ({worst[1]:.3f}) "
            f"{mean[2]:6.2f} ({worst[2]:.1f}) {mean[3]:6.2f} ({worst[3]:.1f})"
        )


def _call(clip: Path, fps: float) -> list[EncodedFrame]:
    """Return a call's frames as JPEG: the clip's first seconds, coded by each of the rates in turn."""
    with av.open(str(clip)) as container:
        rate = round(float(container.streams.video[0].average_rate or 25))
        frames = list(islice(container.decode(video=0), int(ACT_S * rate)))
    encoded: list[EncodedFrame] = []
    for act, crf in enumerate(CRFS):
        pictures = _transcode(frames, crf, rate)
        chosen = np.arange(0, len(pictures), rate / fps).astype(int)
        for number in chosen:
            time_s = (act * len(pictures) + int(number)) / rate
            data = cv2.imencode(".jpg", pictures[number], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
            encoded.append(EncodedFrame(len(encoded), time_s, Encoding.JPEG, data))
    return encoded


def _transcode(frames: Sequence[av.VideoFrame], crf: int, fps: int) -> list[npt.NDArray[np.uint8]]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height = frames[0].width // 2 * 2, frames[0].height // 2 * 2
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = frame.reformat(stream.width, stream.height, "yuv420p")
            picture.pts = None
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    with av.open(io.BytesIO(buffer.getvalue()), "r") as coded:
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in coded.decode(video=0)]


def _smoothed(played: Sequence[Scored], min_fps: float) -> tuple[npt.NDArray[np.float64], float]:
    """Return the smoothed quality at every frame, and the share of frames that were scored for it."""
    sampler, smoother = (
        AdaptiveSampler(min_fps),
        QualitySmoother(median_window=5, time_constant_s=2.0, stale_after_s=5.0, cause_threshold=0.1),
    )
    qualities, scored = [], 0
    quality = float("nan")
    for item in played:
        now_s = item.frame.capture_time_s  # frames arrive as they are captured
        if sampler.ready_s(item.frame, now_s) <= now_s:
            sampler.take(item.frame, now_s)
            faces = item.score.faces
            sampler.scored(faces[0].raw_quality if faces else None, item.frame.capture_time_s)
            smoothed = smoother.add(item.score, item.frame.capture_time_s).quality
            quality = float("nan") if smoothed is None else smoothed
            scored += 1
        qualities.append(quality)
    return np.array(qualities), scored / len(played)


def _crossings(qualities: npt.NDArray[np.float64], fps: float) -> tuple[float, float]:
    """Return the frames at which the quality crosses the middle, down in the second act, up in the third."""
    act = len(qualities) // len(CRFS)
    ready = round(3 * fps)
    high, low = np.nanmax(qualities[ready:act]), np.nanmin(qualities[act : 2 * act])
    middle = (high + low) / 2
    down = np.flatnonzero(qualities[act:] < middle)
    up = np.flatnonzero(qualities[2 * act :] > middle)
    return (float(down[0]) if len(down) else float("nan"), float(up[0]) if len(up) else float("nan"))


if __name__ == "__main__":
    main()
