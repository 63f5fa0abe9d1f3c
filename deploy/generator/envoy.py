"""Envoy's configuration for Kubernetes: deploy/envoy's own, with replicas by DNS and a door for scrapers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["envoy_config", "envoy_secrets"]

REPLICAS = "facegauge-replicas"
"""The headless Service, whose name stands for the addresses of all replicas that are ready."""
REPLICAS_SAN = "facegauge-replicas.facegauge.svc"
"""What the replicas' certificate is for."""
CONFIG, CALLERS_TLS, REPLICAS_TLS = "/etc/envoy/config", "/etc/envoy/tls", "/etc/envoy/replicas-tls"
"""Folders that the Deployment mounts: this configuration, the certificate for callers, that for replicas."""


def envoy_config(source: Path) -> str:
    """Return the configuration in YAML, made of the file `source`.

    Replicas are found by DNS and spoken to by TLS, with a certificate of Envoy's own that they demand; the
    listener for scrapes and probes can be reached from other pods.
    """
    config: dict[str, Any] = yaml.safe_load(source.read_text())
    (replicas,) = (one for one in config["static_resources"]["clusters"] if one["name"] == "replicas")
    del replicas["type"], replicas["eds_cluster_config"]
    address = {"socket_address": {"address": REPLICAS, "port_value": 50051}}
    replicas |= {
        "cluster_type": {
            "name": "envoy.cluster.dns",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
                "dns_refresh_rate": "2s",
            },
        },
        "load_assignment": {
            "cluster_name": "replicas",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "transport_socket": _tls_to_replicas(),
    }
    (metrics,) = (one for one in config["static_resources"]["listeners"] if one["name"] == "metrics")
    metrics["address"]["socket_address"]["address"] = "0.0.0.0"  # noqa: S104 - within the pod, by NetworkPolicy
    (callers,) = (one for one in config["static_resources"]["listeners"] if one["name"] == "callers")
    for chain in callers["filter_chains"]:
        common = chain["transport_socket"]["typed_config"]["common_tls_context"]
        for secret in common["tls_certificate_sds_secret_configs"]:
            secret["sds_config"] = _file("certificate.yaml")
    return yaml.safe_dump(config, sort_keys=False, width=110)


def envoy_secrets() -> dict[str, str]:
    """Return files in YAML, by name: the certificate that Envoy shows replicas, the authority of theirs."""
    certificate = {
        "certificate_chain": {"filename": f"{REPLICAS_TLS}/tls.crt"},
        "private_key": {"filename": f"{REPLICAS_TLS}/tls.key"},
        "watched_directory": {"path": REPLICAS_TLS},
    }
    authority = {
        "trusted_ca": {"filename": f"{REPLICAS_TLS}/ca.crt"},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": REPLICAS_SAN}}],
        "watched_directory": {"path": REPLICAS_TLS},
    }
    return {
        "replicas-certificate.yaml": _secret("replicas-certificate", "tls_certificate", certificate),
        "replicas-authority.yaml": _secret("replicas-authority", "validation_context", authority),
    }


def _secret(name: str, kind: str, value: dict[str, Any]) -> str:
    """Return a file of one secret, which is all that Envoy takes in one."""
    resource = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": name,
        kind: value,
    }
    return yaml.safe_dump({"resources": [resource]}, sort_keys=False, width=110)


def _tls_to_replicas() -> dict[str, Any]:
    return {
        "name": "tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": REPLICAS_SAN,
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "alpn_protocols": [
                    "h2"
                ],  # gRPC's servers end a connection without it; health checks need it here
                "tls_certificate_sds_secret_configs": [
                    {"name": "replicas-certificate", "sds_config": _file("replicas-certificate.yaml")}
                ],
                "validation_context_sds_secret_config": {
                    "name": "replicas-authority",
                    "sds_config": _file("replicas-authority.yaml"),
                },
            },
        },
    }


def _file(name: str) -> dict[str, Any]:
    return {"path_config_source": {"path": f"{CONFIG}/{name}"}}
