"""The program that writes the Grafana dashboards: `python -m dashboards.generator`."""
