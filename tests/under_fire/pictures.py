"""Pictures that cost a server more than they cost whoever sends them."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

__all__ = ["jpeg_of", "noise_jpeg", "png_of"]


def png_of(width: int, height: int) -> bytes:
    """Return a valid black PNG of any size, a few kilobytes long."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" * (width + 1)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """Return a grey JPEG of any size up to 65,500 pixels a side."""
    return _jpeg(np.full((height, width, 3), 128, np.uint8), 75)


def noise_jpeg(width: int, height: int, quality: int = 95) -> bytes:
    """Return a JPEG of noise, the dearest there is to decode."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return _jpeg(pixels, quality)


def _jpeg(pixels: cv2.typing.MatLike, quality: int) -> bytes:
    encoded, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert encoded
    return data.tobytes()
