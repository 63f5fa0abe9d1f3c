"""The naive pipeline: decode, detect, crop and score, one frame at a time, in one thread.

    python -m bench.naive_pipeline < frames   # length-prefixed JPEG files; prints a line of JSON

OpenCV decodes the whole frame, MediaPipe's FaceDetector task with its default settings runs once on every
frame, PIL resizes the crop, and a network with the challenge winner's backbone (EdgeNeXt-XX-Small, 288 x 288)
runs in eager torch. Only the time counts, so the network's weights are random.

`--detector second-looks` runs the server's own detector on every frame instead, which looks again at small
and doubtful faces. It is not what one would write first, but finds what the server finds.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, get_args

import click
import cv2
import numpy as np

from facegauge_server.types import Box, Pixels

__all__ = ["DETECTORS", "Detector", "main", "read_frames", "write_frames"]

Detector = Literal["one-look", "second-looks"]
DETECTORS: tuple[Detector, ...] = get_args(Detector)

WARM_UP_FRAMES = 5
INPUT_PX = 288
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_frames(frames: list[bytes], stream: BinaryIO) -> None:
    """Write frames as this program reads them."""
    for frame in frames:
        stream.write(struct.pack("<I", len(frame)) + frame)


def read_frames(stream: BinaryIO) -> list[bytes]:
    """Read what `write_frames` wrote."""
    frames = []
    while header := stream.read(4):
        frames.append(stream.read(struct.unpack("<I", header)[0]))
    return frames


@contextmanager
def _one_look() -> Iterator[Callable[[Pixels], tuple[Box, ...]]]:
    """Give MediaPipe's own task, as its guide sets it up."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import FaceDetector, FaceDetectorOptions

    from facegauge_server.stages.blaze_face import SHORT_RANGE

    options = FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(SHORT_RANGE.path)))
    with FaceDetector.create_from_options(options) as task:

        def detect(pixels: Pixels) -> tuple[Box, ...]:
            found = task.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, pixels)).detections
            boxes = (detection.bounding_box for detection in found)
            return tuple(Box(at.origin_x, at.origin_y, at.width, at.height) for at in boxes)

        yield detect


@contextmanager
def _second_looks() -> Iterator[Callable[[Pixels], tuple[Box, ...]]]:
    """Give the server's detector, on every frame and without a tracker."""
    from facegauge_server.stages.locate import FaceDetector

    with FaceDetector() as detector:
        yield detector.detect


@click.command()
@click.option("--detector", type=click.Choice(DETECTORS), default=DETECTORS[0], show_default=True)
def main(detector: Detector) -> None:
    """Score every frame on standard input and print how much processor time a frame took."""
    import timm
    import torch
    from PIL import Image

    from facegauge_server.stages.crop import crop_box

    torch.set_num_threads(1)
    network = timm.create_model("edgenext_xx_small", num_classes=1).eval()
    frames = read_frames(sys.stdin.buffer)
    with (_one_look if detector == "one-look" else _second_looks)() as detect, torch.inference_mode():

        def score(data: bytes) -> int:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            picture = np.asarray(decoded, np.uint8)
            faces = detect(picture)
            for face in faces:
                region = crop_box(face, picture.shape[1], picture.shape[0])
                right, bottom = region.x + region.width, region.y + region.height
                crop = Image.fromarray(picture).crop((region.x, region.y, right, bottom))
                resized = crop.resize((INPUT_PX, INPUT_PX), Image.Resampling.BICUBIC)
                pixels = (np.asarray(resized, np.float32) / 255 - MEAN) / STD
                network(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]).item()
            return len(faces)

        for data in frames[:WARM_UP_FRAMES]:
            score(data)
        start_cpu_s, start_s = time.process_time(), time.perf_counter()
        faces = sum(score(data) for data in frames)
        cpu_s, wall_s = time.process_time() - start_cpu_s, time.perf_counter() - start_s
    result = {
        "detector": detector,
        "faces_a_frame": faces / len(frames),
        "cpu_ms_a_frame": cpu_s * 1000 / len(frames),
        "wall_ms_a_frame": wall_s * 1000 / len(frames),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(prog_name="python -m bench.naive_pipeline")
