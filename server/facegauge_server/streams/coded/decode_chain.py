"""Decide which units of one stream are decoded: by what they depend on, and by nothing else.

A unit can be decoded once a keyframe has begun a chain and nothing of the chain is missing. It is left out
where its layer is above what is asked for. How often a picture is scored plays no part here.

A synchronous core; `now_s` is the server's monotonic clock.
"""

from __future__ import annotations

import math

from facegauge_server.coded_types import Unit
from facegauge_server.config import Limits
from facegauge_server.errors import BadFrame
from facegauge_server.frame_size import check_size
from facegauge_server.streams.coded.unit_header import read_unit_header
from facegauge_server.streams.numbering import Numbering
from facegauge_server.streams.traffic import Traffic
from facegauge_server.types import Decode, EncodedFrame, Encoding

__all__ = ["DecodeChain"]

REQUEST_INTERVAL_S = 3.0
"""Least time between two requests for a keyframe: each costs the viewers quality."""
TOP_LAYER = 7
FIRST_REST_S, LONGEST_REST_S = 10.0, 300.0
"""How long a stream rests that was the end of a worker; doubled each time."""


class DecodeChain:
    """The units of one connection, as far as they can be decoded."""

    def __init__(self, decode: Decode, limits: Limits, traffic: Traffic, *, is_live: bool) -> None:
        """Begin without a keyframe.

        Args:
            decode: which units are asked for.
            limits: of their size.
            traffic: counts keyframes and breaks.
            is_live: what AUTO depends on.
        """
        self._keys_only = decode is Decode.KEYFRAMES
        base_alone = decode is Decode.BASE_LAYER or (decode is Decode.AUTO and is_live)
        self._asked_layer = 0 if base_alone else TOP_LAYER
        self._top_layer = self._asked_layer
        self._limits = limits
        self._traffic = traffic
        self._numbering = Numbering()
        self.captured = 1
        """How many frames the sender has captured since the unit before the last one, with the last one."""
        self._encoding: Encoding | None = None
        self._why_broken = "no keyframe has come yet"
        self.is_starved = False
        """Whether nothing can be decoded for what is missing or damaged in the stream itself.

        Not before its first keyframe, nor for what only this server or its client has left out.
        """
        self._requested_s = -math.inf
        self._rests_until_s = -math.inf
        self._rest_s = FIRST_REST_S

    def admit(self, frame: EncodedFrame, now_s: float) -> Unit | None:
        """Return the unit if it is to be decoded after those before it, else None.

        Raises BadFrame for what is no unit; the chain is broken then.
        """
        self.captured = self._numbering.frames(frame.sequence)
        try:
            is_key = self._is_key(frame)
        except BadFrame:
            self.break_off("a unit could not be used", starved=True)
            raise
        if frame.encoding is not self._encoding and self._encoding is not None and not is_key:
            self.break_off(f"the encoding changed to {frame.encoding.name} without a keyframe", starved=True)
        elif frame.discontinuity and not is_key and not self._keys_only:
            self.break_off("units are missing", starved=self.captured == 1)
        self._traffic.keyframes += is_key
        if now_s < self._rests_until_s:
            return None
        if is_key:
            starts = bool(self._why_broken) or frame.discontinuity or frame.encoding is not self._encoding
            self._why_broken, self._encoding, self._top_layer = "", frame.encoding, self._asked_layer
            self.is_starved = False
            return Unit(frame, is_key=True, starts=starts)
        if self._why_broken or self._keys_only or (frame.temporal_layer or 0) > self._top_layer:
            return None
        return Unit(frame, is_key=False)

    def break_off(self, why: str, *, starved: bool = False) -> None:
        """Decode nothing before the next keyframe; `starved` where the stream itself is why."""
        if not self._why_broken:
            self._why_broken, self.is_starved = why, starved
            self._traffic.breaks += starved

    def limit_layers(self, top_layer: int) -> None:
        """Leave out the layers above one, up to the next keyframe: units of theirs are missing."""
        self._top_layer = min(self._top_layer, top_layer)

    def rest(self, now_s: float) -> None:
        """Leave out everything for a while: a unit was the end of a process that others use too."""
        self.break_off("the process that decoded this stream died of it")
        self._rests_until_s = now_s + self._rest_s
        self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)

    def keyframe_request(self, now_s: float) -> str:
        """Return why a keyframe must be asked for now; empty where none must, or one was just asked for."""
        is_due = now_s >= self._rests_until_s and now_s - self._requested_s >= REQUEST_INTERVAL_S
        if not self._why_broken or not is_due:
            return ""
        self._requested_s = now_s
        return self._why_broken

    def _is_key(self, frame: EncodedFrame) -> bool:
        if not frame.encoding.is_coded:
            raise BadFrame(
                f"the frame is {frame.encoding.name}, its stream is of coded video "
                "(StreamConfig.encoding): open another stream for pictures"
            )
        if not math.isfinite(frame.capture_time_s):
            raise BadFrame(f"capture_time_s must be a finite number, not {frame.capture_time_s}")
        limits = self._limits
        if len(frame.data) > limits.max_unit_bytes:
            raise BadFrame(
                f"the unit has {len(frame.data)} bytes, the server takes {limits.max_unit_bytes} "
                "(--max-unit-bytes): encode at a lower rate"
            )
        header = read_unit_header(frame.encoding, frame.data)
        if header.size is not None:
            check_size(*header.size, limits.max_frame_pixels, limits.max_frame_side)
        # The bytes of the others tell for certain; H.264 may also recover without an IDR picture.
        is_key = header.is_key or (frame.keyframe and frame.encoding is Encoding.H264)
        if is_key and not header.has_parameters and (self._why_broken or frame.discontinuity):
            what = "SPS and PPS" if frame.encoding is Encoding.H264 else "a sequence header"
            raise BadFrame(f"the keyframe comes without {what}: send them in band, before each keyframe")
        return is_key
