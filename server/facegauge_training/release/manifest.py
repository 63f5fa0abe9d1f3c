"""What the manifest of every exported model says first, and how far its two runtimes may differ."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from facegauge_server import crop_spec

__all__ = ["MAX_DIFFERENCE", "MODEL_FILE", "Exported"]

MAX_DIFFERENCE = 1e-3
"""Largest difference of a quality, 0-1, between torch and ONNX Runtime."""
MODEL_FILE = "model.onnx"


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file and what was measured about its network."""

    coded: bytes
    """Content of the file."""
    width: int
    """Width of the crop that goes in, pixels."""
    height: int
    gflops: float
    """Billions of multiply-adds a crop."""
    parameters: int
    difference: float
    """Largest difference of an output between torch and ONNX Runtime."""

    def fields(self, name: str, version: str, architecture: str, outputs: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest's fields that the server reads, and the network's cost."""
        return {
            "name": name,
            "version": version,
            "architecture": architecture,
            "file": MODEL_FILE,
            "sha256": hashlib.sha256(self.coded).hexdigest(),
            "bytes": len(self.coded),
            "input": {
                "name": "pixels",
                "width": self.width,
                "height": self.height,
                "layout": "NHWC",
                "dtype": "uint8",
                "color": "RGB",
            },
            "outputs": outputs,
            "crop": crop_spec.manifest_entry(),
            "gflops": round(self.gflops, 4),
            "parameters": self.parameters,
            "onnx_torch_difference": float(f"{self.difference:.1e}"),
        }
