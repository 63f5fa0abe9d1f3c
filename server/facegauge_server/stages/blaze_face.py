"""MediaPipe's two face models, run by OpenVINO instead of by MediaPipe's graph.

The short-range one sees a picture as 128 x 128 pixels. MediaPipe's own task runs it on whole frames; for
parts of a frame (`passes.py`) the graph, with its threads and copies, takes as long as the model, and a live
call has several such passes to one over the whole frame. Boxes agree with the task's to 1% of a face's width
(standard deviation; 285 faces in 25 clips), which the task rounds to whole pixels.

The full-range one sees 192 x 192 pixels and gives a second opinion on faces. It is right about small and
hard-coded ones where the short-range model is not: in a research clip coded with x264 at CRF 43, a face of
74 px gets 0.42 to 0.74 from the short-range model and the print on the shirt below it as much, here the face
gets 0.74 to 0.87 and the print 0.42 at most. It takes three times as long, so it runs in doubt only.
MediaPipe's task refuses it at run time, since it wants the short-range model's count of boxes.

Source of the decoding: both models have anchors in the middle of the cells of square grids, and give a box's
centre and size in pixels of their input, the centre relative to its anchor's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.block_import import blocked
from facegauge_server.compiled_networks import compile_or_load
from facegauge_server.stages.detection import SAME_FACE_IOU, Detection
from facegauge_server.types import Box, Pixels

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["FULL_RANGE", "SHORT_RANGE", "BlazeFace", "Kind"]

ASSETS = Path(__file__).parent.parent / "assets"
MIN_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True)
class Kind:
    """The properties in which the two models differ."""

    path: Path
    input_px: int
    grids: tuple[tuple[int, int], ...]
    """(cells along a side, anchors in each), in the order of the model's boxes."""
    interpolation: int
    """OpenCV's. Linear is what MediaPipe's graph does, at any scale; area is antialiased."""

    def anchors(self) -> npt.NDArray[np.float64]:
        """Return the anchors' centres in pixels of the input, (boxes, 2)."""
        centres = []
        for cells, each in self.grids:
            middle = (np.arange(cells) + 0.5) * self.input_px / cells
            y, x = np.meshgrid(middle, middle, indexing="ij")
            centres.append(np.repeat(np.column_stack((x.ravel(), y.ravel())), each, axis=0))
        return np.concatenate(centres)


SHORT_RANGE = Kind(ASSETS / "face_detection_short_range.tflite", 128, ((16, 2), (8, 6)), cv2.INTER_LINEAR)
FULL_RANGE = Kind(ASSETS / "face_detection_full_range_sparse.tflite", 192, ((48, 1),), cv2.INTER_AREA)


class BlazeFace:
    """One of the two models. For one thread at a time."""

    def __init__(self, kind: Kind) -> None:
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        self._kind = kind
        self._anchors = kind.anchors()
        self._picture = np.empty((1, kind.input_px, kind.input_px, 3), np.float32)
        compiled = compile_or_load(kind.path.stem, lambda: kind.path, settings)
        self._request = compiled.create_infer_request()
        self._request.set_input_tensor(openvino.Tensor(self._picture, shared_memory=True))

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Return the faces of an RGB picture, uint8 (height, width, 3), the most confident first."""
        height, width = pixels.shape[:2]
        side = self._kind.input_px
        scale = side / max(height, width)
        fitted_width, fitted_height = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (side - fitted_width) // 2, (side - fitted_height) // 2
        fitted = cv2.resize(pixels, (fitted_width, fitted_height), interpolation=self._kind.interpolation)
        if width != height:
            self._picture.fill(-1)  # black beside the frame
        inside = self._picture[0, top : top + fitted_height, left : left + fitted_width]
        np.multiply(fitted, np.float32(1 / 127.5), out=inside)
        inside -= 1
        self._request.infer()
        boxes, scores = _decode(
            self._request.get_output_tensor(0).data[0],
            self._request.get_output_tensor(1).data[0, :, 0],
            self._anchors,
        )
        boxes = (boxes - (left, top, 0, 0)) / scale
        return _merge(boxes, scores)

    def close(self) -> None:
        """Release the model."""
        del self._request


def _decode(
    raw_boxes: npt.NDArray[np.float32], logits: npt.NDArray[np.float32], anchors: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return boxes (n, 4) as left, top, width, height in input pixels, and confidences (n,), best first."""
    confident = np.flatnonzero(logits >= np.log(MIN_CONFIDENCE / (1 - MIN_CONFIDENCE)))
    confident = confident[np.argsort(-logits[confident])]
    scores = 1 / (1 + np.exp(-logits[confident].astype(np.float64)))
    centres = anchors[confident] + raw_boxes[confident, :2]
    sizes = raw_boxes[confident, 2:4].astype(np.float64)
    return np.column_stack((centres - sizes / 2, sizes)), scores


def _merge(boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> list[Detection]:
    """Average boxes (n, 4), best first, that show the same face, weighted by confidence as MediaPipe does."""
    detections = []
    while len(boxes):
        same = _ious(boxes[0], boxes) > SAME_FACE_IOU
        same[0] = True  # an empty box overlaps nothing, itself included
        mean = scores[same] @ boxes[same] / scores[same].sum()
        detections.append(Detection(Box(*mean.tolist()), float(scores[0])))
        boxes, scores = boxes[~same], scores[~same]
    return detections


def _ious(box: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the overlap (n,) of a box with each of boxes (n, 4), all as left, top, width, height."""
    starts = np.maximum(box[:2], boxes[:, :2])
    ends = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(ends - starts, 0).prod(axis=1)
    both = box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared
    return np.asarray(shared / np.maximum(both, 1e-9))
