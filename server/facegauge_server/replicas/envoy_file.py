"""The file that tells Envoy which replicas there are (EDS: see deploy/envoy/replicas.yaml)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from facegauge_server.config import Address

__all__ = ["CLUSTER", "write_envoy_file"]

CLUSTER = "replicas"
"""Name of the cluster in deploy/envoy/envoy.yaml."""
KIND = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def write_envoy_file(path: Path, replicas: Iterable[Address]) -> None:
    """Write the file as a whole, so that Envoy, which sees it being moved, never reads half of it.

    It is JSON, which is YAML too, so any name that Envoy takes will do. Raises OSError.
    """
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": one.host, "port_value": one.port}}}}
        for one in replicas
    ]
    assignment = {"@type": KIND, "cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]}
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps({"resources": [assignment]}, indent=2) + "\n")
    new.replace(path)
