"""Whether the units are there that a unit depends on.

Where the payload names pictures and layers, those names decide, as in WebRTC's receivers: one lost packet of
an upper layer then costs that layer some pictures, and no keyframe. Elsewhere every loss is taken for one of
a unit that the next one depends on.
"""

from __future__ import annotations

import enum

from facegauge_gateway.rtp.layering import CodedUnit, Layering
from facegauge_gateway.rtp.wrapping import unwrap, wrapped_distance

__all__ = ["Decodability", "Verdict"]

UPPER_LAYERS = range(1, 8)
MOST_PICTURES_BACK = 128
"""P_DIFF has seven bits."""


class Verdict(enum.Enum):
    """What can be done with a whole unit."""

    DECODABLE = enum.auto()
    BROKEN = enum.auto()
    """Neither it nor what follows can be decoded right before the next keyframe."""
    LEFT_OUT = enum.auto()
    """It cannot, but units of the layers below can."""


class Decodability:
    """Follows the whole units of one stream in decoding order."""

    def __init__(self) -> None:
        """Begin without a keyframe."""
        self.is_broken = True
        """Whether nothing can be decoded before the next keyframe."""
        self._picture: int | None = None
        """Picture ID of the unit before, unwrapped."""
        self._decodable: set[int] = set()
        """Picture IDs, unwrapped, of what could be decoded."""
        self._base_index: int | None = None
        self._open_layers: set[int] = set()
        """Upper layers whose next unit finds the pictures of that layer that it may depend on."""

    def judge(self, unit: CodedUnit, *, is_loss_before: bool) -> Verdict:
        """Judge a unit; `is_loss_before` tells of packets or units missing since the one before."""
        layering = unit.layering
        are_skipped = self._follow_picture(layering, is_loss_before)
        if unit.keyframe:
            self.is_broken = False
            self._base_index = layering.base_index
            self._open_layers = set(UPPER_LAYERS)
            self._decodable.clear()
        verdict = Verdict.BROKEN if self.is_broken else Verdict.DECODABLE
        if not self.is_broken and not unit.keyframe:
            verdict = self._judge_by_names(layering, is_loss_before, are_skipped=are_skipped)
        self.is_broken = verdict is Verdict.BROKEN
        if verdict is Verdict.DECODABLE and self._picture is not None:
            self._decodable = {one for one in self._decodable if one > self._picture - MOST_PICTURES_BACK}
            self._decodable.add(self._picture)
        return verdict

    def _follow_picture(self, layering: Layering, is_loss_before: bool) -> bool:
        """Return whether pictures are missing since the one before, whoever left them out."""
        before = self._picture
        if layering.picture_id is None:
            self._picture = None
            return is_loss_before
        if before is None:
            self._picture = layering.picture_id
            return is_loss_before
        self._picture = unwrap(layering.picture_id, before, layering.picture_id_bits)
        return self._picture != before + 1

    def _judge_by_names(self, layering: Layering, is_loss_before: bool, *, are_skipped: bool) -> Verdict:
        if layering.references is not None and self._picture is not None:
            return self._judge_by_references(layering, self._picture)
        if layering.temporal_layer is not None and layering.base_index is not None:
            return self._judge_by_layers(layering.temporal_layer, layering.base_index, layering, are_skipped)
        return Verdict.BROKEN if is_loss_before and are_skipped else Verdict.DECODABLE

    def _judge_by_references(self, layering: Layering, picture: int) -> Verdict:
        """Judge by the pictures that the unit itself names (RFC 9628, 4.2: flexible mode)."""
        if all(picture - back in self._decodable for back in layering.references or ()):
            return Verdict.DECODABLE
        return Verdict.LEFT_OUT if layering.temporal_layer else Verdict.BROKEN

    def _judge_by_layers(self, layer: int, base_index: int, layering: Layering, are_skipped: bool) -> Verdict:
        """Judge by the number of the base layer's picture, and by where layers open (RFC 7741, 4.2)."""
        if are_skipped:
            self._open_layers.clear()
        step = 0 if self._base_index is None else wrapped_distance(base_index, self._base_index, 8)
        if self._base_index is not None and step != (1 if layer == 0 else 0):
            return Verdict.BROKEN
        self._base_index = base_index
        if layer > 0:
            if not layering.needs_base_alone and not self._open_layers.issuperset(range(1, layer + 1)):
                return Verdict.LEFT_OUT
            self._open_layers.add(layer)
        if layering.opens_upper_layers:
            self._open_layers.update(range(layer + 1, UPPER_LAYERS.stop))
        return Verdict.DECODABLE
