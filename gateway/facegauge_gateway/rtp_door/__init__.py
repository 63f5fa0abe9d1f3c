"""The RTP door: UDP in from media servers, a stream for each SSRC."""
