"""What one would write first: decode, detect, crop and score, one frame at a time, in one thread.

    python -m bench.straight_line < frames   # length-prefixed JPEG files; prints a line of JSON

OpenCV decodes the whole frame, MediaPipe looks at every frame, PIL resizes the crop, and the challenge
winner's network (EdgeNeXt-XX-Small at 288 x 288) runs in eager torch. Its scores are not looked at: only the
time counts, so its weights do not matter.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import BinaryIO

import cv2
import numpy as np

__all__ = ["main", "read_frames", "write_frames"]

WARM_UP_FRAMES = 5
INPUT_PX = 288
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_frames(frames: list[bytes], stream: BinaryIO) -> None:
    """Write frames as this program reads them."""
    for frame in frames:
        stream.write(struct.pack("<I", len(frame)) + frame)


def read_frames(stream: BinaryIO) -> list[bytes]:
    """Return the frames that `write_frames` wrote."""
    frames = []
    while header := stream.read(4):
        frames.append(stream.read(struct.unpack("<I", header)[0]))
    return frames


def main() -> None:
    """Score every frame on standard input and print how much processor time a frame took."""
    import timm
    import torch
    from PIL import Image

    from facegauge_server.stages.crop import crop_box
    from facegauge_server.stages.locate import FaceDetector

    torch.set_num_threads(1)
    network = timm.create_model("edgenext_xx_small", num_classes=1).eval()
    frames = read_frames(sys.stdin.buffer)
    with FaceDetector() as detector, torch.inference_mode():

        def score(data: bytes) -> None:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            picture = np.asarray(decoded, np.uint8)
            for face in detector.detect(picture):
                region = crop_box(face, picture.shape[1], picture.shape[0])
                right, bottom = region.x + region.width, region.y + region.height
                crop = Image.fromarray(picture).crop((region.x, region.y, right, bottom))
                resized = crop.resize((INPUT_PX, INPUT_PX), Image.Resampling.BICUBIC)
                pixels = (np.asarray(resized, np.float32) / 255 - MEAN) / STD
                network(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]).item()

        for data in frames[:WARM_UP_FRAMES]:
            score(data)
        start_cpu_s, start_s = time.process_time(), time.perf_counter()
        for data in frames:
            score(data)
        cpu_s, wall_s = time.process_time() - start_cpu_s, time.perf_counter() - start_s
    result = {
        "frames": len(frames),
        "cpu_ms": cpu_s * 1000 / len(frames),
        "wall_ms": wall_s * 1000 / len(frames),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
