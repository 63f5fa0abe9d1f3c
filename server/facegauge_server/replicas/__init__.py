"""Several servers on one machine, `facegauge-server --replicas N`: started, and started again as they end."""
