"""What `kubectl kustomize` makes of deploy/kubernetes, with Secrets made for the test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from click.testing import CliRunner

from facegauge_server.access.command import command as token_command

ROOT = Path(__file__).parents[2]
OVERLAYS = sorted(path.name for path in (ROOT / "deploy" / "kubernetes" / "overlays").iterdir())
KUBECTL = Path(sys.executable).parent / "kubectl"
METRICS_TOKEN = "token-of-the-scrapers"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of what kustomize reads, with files for all Secrets, and what callers need."""

    root: Path
    ca: trustme.CA
    signing_keys: Path

    def token(self, *rights: str) -> str:
        """A token of the tenant acme."""
        flags = [flag for right in rights for flag in ("--right", right)]
        return run_token("issue", "--keys", str(self.signing_keys), "--tenant", "acme", *flags).strip()

    @cache  # noqa: B019 - the tree lives as long as the session
    def render(self, overlay: str) -> list[Object]:
        """The objects of an overlay."""
        folder = self.root / "deploy" / "kubernetes" / "overlays" / overlay
        command = [str(KUBECTL), "kustomize", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, "kustomize warns of what is deprecated"
        return list(yaml.safe_load_all(done.stdout))

    def one(self, overlay: str, kind: str, name: str) -> Object:
        """The object of a kind with a name."""
        (found,) = (
            thing
            for thing in self.render(overlay)
            if (thing["kind"], thing["metadata"]["name"]) == (kind, name)
        )
        return found


def run_token(*arguments: str) -> str:
    """Run `facegauge-token`."""
    done = CliRunner().invoke(token_command, arguments)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The files of docs/kubernetes.md: certificates of one CA, public keys, a token."""
    root = tmp_path_factory.mktemp("tree")
    for part in ("deploy/kubernetes", "dashboards/grafana"):
        shutil.copytree(ROOT / part, root / part)
    ca = trustme.CA()
    secrets = root / "deploy" / "kubernetes" / "components" / "secrets"
    ca.cert_pem.write_to_path(secrets / "ca.crt")
    names = {
        "server": ("facegauge-replicas.facegauge.svc",),
        "envoy": ("facegauge-envoy",),
        "callers": ("127.0.0.1",),
    }
    for name, identities in names.items():
        certificate = ca.issue_cert(*identities)
        certificate.private_key_pem.write_to_path(secrets / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(secrets / f"{name}.crt")
    signing = root / "signing.json"
    public = secrets / "keys.json"
    run_token(
        *("new-key", "--kid", "one", "--algorithm", "EdDSA", "--out", str(signing)),
        *("--public-out", str(public)),
    )
    checkpoints = str(secrets / "checkpoint-keys.json")
    run_token("new-key", "--kid", "one", "--algorithm", "A256GCM", "--out", checkpoints)
    (secrets / "token").write_text(METRICS_TOKEN + "\n")
    return Tree(root, ca, signing)


def pod_of(workload: Object) -> Object:
    """The pod that a Deployment makes."""
    template: Object = workload["spec"]["template"]
    return template


def container(workload: Object) -> Object:
    """Its one container."""
    (only,) = pod_of(workload)["spec"]["containers"]
    found: Object = only
    return found
