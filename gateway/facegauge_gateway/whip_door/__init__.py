"""The WHIP door: browsers, OBS and GStreamer publish by WebRTC (RFC 9725), and their video is scored."""

from facegauge_gateway.whip_door.camera import CameraLimits
from facegauge_gateway.whip_door.door import WhipDoor
from facegauge_gateway.whip_door.settings import WhipSettings

__all__ = ["CameraLimits", "WhipDoor", "WhipSettings"]
