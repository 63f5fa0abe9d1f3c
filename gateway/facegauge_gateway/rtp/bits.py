"""Bits of a header, the most significant first."""

from __future__ import annotations

__all__ = ["BitReader"]


class BitReader:
    """Reads numbers bit by bit; IndexError where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        """Read an unsigned number of `count` bits."""
        value = 0
        for _ in range(count):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value

    def take_exp_golomb(self) -> int:
        """Read an unsigned Exp-Golomb number, ue(v) (ITU-T H.264, 9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise IndexError("no number of 32 bits")
        return (1 << zeros | self.take(zeros)) - 1
