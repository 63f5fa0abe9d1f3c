"""What a fleet's series cost: simulated replicas, a real Prometheus, our own rules and dashboards."""
