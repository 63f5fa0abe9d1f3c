"""The gateway: RTP and WebRTC in, the server's gRPC interface out, answers back."""
