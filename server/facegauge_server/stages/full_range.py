"""A second opinion on faces: MediaPipe's full-range model, which sees the whole frame in 192 x 192 pixels.

It is right about small and hard-coded faces where the short-range model is not: in a research clip coded with
x264 at CRF 43, a face of 74 px gets 0.42 to 0.74 from the short-range model and the print on the shirt below
it as much, here the face gets 0.74 to 0.87 and the print 0.42 at most. It takes longer (4.1 ms to 2.8 on one
core), so it is asked in doubt only.

MediaPipe's own Tasks API refuses the model at run time, since it wants the short-range model's count of
boxes; OpenVINO reads it as it is. Source of the decoding: the model has one anchor in the middle of each of
48 x 48 cells, and gives the box's centre and size in pixels of its input, relative to its anchor's centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.blocked import blocked
from facegauge_server.types import Box, Pixels

with blocked("openvino_telemetry"):
    import openvino

__all__ = ["FullRangeModel", "Sighting"]

MODEL = Path(__file__).parent.parent / "assets" / "face_detection_full_range_sparse.tflite"

INPUT_PX = 192
CELLS = 48
MIN_CONFIDENCE = 0.3
SAME_FACE_IOU = 0.3
"""Boxes that overlap more are averaged into one, weighted by their confidence, as MediaPipe does."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face that the model sees; the box is square, from brow to chin, in the picture's pixels."""

    box: Box
    confidence: float
    """0-1."""


class FullRangeModel:
    """For one thread at a time."""

    def __init__(self) -> None:
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = openvino.Core().compile_model(MODEL, "CPU", settings)
        self._request = compiled.create_infer_request()

    def find(self, pixels: Pixels) -> list[Sighting]:
        """Return the faces of an RGB picture, uint8 (height, width, 3), the most confident first."""
        height, width = pixels.shape[:2]
        scale = INPUT_PX / max(height, width)
        fitted_width, fitted_height = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (INPUT_PX - fitted_width) // 2, (INPUT_PX - fitted_height) // 2
        picture = np.full((1, INPUT_PX, INPUT_PX, 3), -1.0, np.float32)  # black beside the frame
        fitted = cv2.resize(pixels, (fitted_width, fitted_height), interpolation=cv2.INTER_AREA)
        picture[0, top : top + fitted_height, left : left + fitted_width] = fitted / np.float32(127.5) - 1
        self._request.infer([picture], share_inputs=True)
        boxes, scores = _decode(
            self._request.get_output_tensor(0).data[0], self._request.get_output_tensor(1).data[0, :, 0]
        )
        boxes = (boxes - (left, top, 0, 0)) / scale
        return _merge(boxes, scores)

    def close(self) -> None:
        """Let go of the model."""
        del self._request


def _decode(
    raw_boxes: npt.NDArray[np.float32], logits: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return boxes (n, 4) as left, top, width, height in input pixels, and confidences (n,), best first."""
    confident = np.flatnonzero(logits >= np.log(MIN_CONFIDENCE / (1 - MIN_CONFIDENCE)))
    confident = confident[np.argsort(-logits[confident])]
    scores = 1 / (1 + np.exp(-logits[confident].astype(np.float64)))
    anchor_y, anchor_x = np.divmod(confident, CELLS)
    cell_px = INPUT_PX / CELLS
    center_x = (anchor_x + 0.5) * cell_px + raw_boxes[confident, 0]
    center_y = (anchor_y + 0.5) * cell_px + raw_boxes[confident, 1]
    size = raw_boxes[confident, 2:4].astype(np.float64)
    return np.column_stack((center_x - size[:, 0] / 2, center_y - size[:, 1] / 2, size)), scores


def _merge(boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> list[Sighting]:
    """Make one sighting of boxes that show the same face."""
    left = [(Box(*box.tolist()), float(score)) for box, score in zip(boxes, scores, strict=True)]
    sightings = []
    while left:
        best, confidence = left[0]
        same = [pair for pair in left if pair[0] is best or pair[0].iou(best) > SAME_FACE_IOU]
        left = [pair for pair in left if pair not in same]
        weights = np.array([score for _, score in same])
        corners = np.array([(box.x, box.y, box.width, box.height) for box, _ in same])
        sightings.append(Sighting(Box(*(weights @ corners / weights.sum()).tolist()), confidence))
    return sightings
