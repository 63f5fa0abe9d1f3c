"""What operators and their machines ask the server: metrics, liveness, readiness."""
