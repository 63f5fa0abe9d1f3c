"""The gRPC door: nothing else in the server knows protobuf or gRPC, but for TLS credentials."""
