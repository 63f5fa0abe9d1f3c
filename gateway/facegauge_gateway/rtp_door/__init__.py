"""The RTP door: UDP in from media servers, a stream at the server for each source."""

from facegauge_gateway.rtp_door.door import RtpDoor
from facegauge_gateway.rtp_door.settings import Listen, RtpSettings

__all__ = ["Listen", "RtpDoor", "RtpSettings"]
