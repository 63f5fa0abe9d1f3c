"""The command `facegauge-token`: keys and tokens for a server started with --auth-keys, keys of checkpoints.

For trying it out and for installations without an identity provider of their own; any issuer of JSON Web
Tokens does as well.
"""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import HMACAlgorithm, OKPAlgorithm

from facegauge_server.access.identity import Identity, Right
from facegauge_server.access.tokens import issue_token

__all__ = ["command"]

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SECRET_BYTES = 32
PATH = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="\b\nExample:\n"
    "  facegauge-token new-key --kid 2026-11 --out keys.json\n"
    "  facegauge-server --auth-keys keys.json &\n"
    "  facegauge-token issue --keys keys.json --tenant acme --right publish --expires-in 1h\n"
    "  facegauge-token new-key --kid 2026-11 --algorithm A256GCM --out checkpoint-keys.json"
)
def command() -> None:
    """Make keys and tokens for a server started with --auth-keys, and keys for --checkpoint-keys."""


@command.command("new-key")
@click.option("--kid", required=True, help="Key id, which tokens name.")
@click.option("--out", type=PATH, required=True, help="Key set to create or to add the key to; mode 600.")
@click.option(
    "--algorithm",
    type=click.Choice(["HS256", "EdDSA", "A256GCM"]),
    default="HS256",
    show_default=True,
    help="The first two sign tokens; A256GCM is for --checkpoint-keys.",
)
@click.option("--public-out", type=PATH, help="For EdDSA: key set with the public key, for servers.")
def new_key(kid: str, out: Path, algorithm: str, public_out: Path | None) -> None:
    """Add a fresh random key to a key set.

    A key for checkpoints seals five minutes after it was made, when all replicas have read it.
    """
    if algorithm != "EdDSA":
        if public_out is not None:
            raise click.UsageError(f"--public-out: {algorithm} has no public key; choose --algorithm EdDSA")
        key = HMACAlgorithm.to_jwk(secrets.token_bytes(SECRET_BYTES), as_dict=True)
        if algorithm == "A256GCM":
            key["iat"] = int(datetime.now(tz=UTC).timestamp())
    else:
        private = Ed25519PrivateKey.generate()
        key = OKPAlgorithm.to_jwk(private, as_dict=True)
        if public_out is not None:
            _add_key(public_out, kid, algorithm, OKPAlgorithm.to_jwk(private.public_key(), as_dict=True))
    _add_key(out, kid, algorithm, key)


@command.command()
@click.option("--keys", type=PATH, required=True, help="Key set with the secret or private key to sign with.")
@click.option("--kid", help="Key to sign with.  [default: the last one of the set]")
@click.option("--tenant", required=True)
@click.option(
    "--right", "rights", type=click.Choice([right.value for right in Right]), multiple=True, required=True
)
@click.option("--call", "calls", multiple=True, help="Call id that the token is limited to; may be repeated.")
@click.option("--expires-in", default="1h", show_default=True, metavar="N[s|m|h|d]")
def issue(
    keys: Path, kid: str | None, tenant: str, rights: tuple[str, ...], calls: tuple[str, ...], expires_in: str
) -> None:
    """Print a signed token."""
    identity = Identity(tenant, frozenset(map(Right, rights)), frozenset(calls) if calls else None)
    click.echo(issue_token(_signing_key(keys, kid), identity, datetime.now(tz=UTC) + _duration(expires_in)))


def _add_key(path: Path, kid: str, algorithm: str, key: dict[str, Any]) -> None:
    entries = _entries(path) if path.exists() else []
    if any(entry.get("kid") == kid for entry in entries):
        raise click.ClickException(f"{path} has a key {kid!r} already: choose another --kid")
    entries.append({"kid": kid, "alg": algorithm, **key})
    path.touch(mode=0o600)
    path.write_text(json.dumps({"keys": entries}, indent=2) + "\n")


def _signing_key(path: Path, kid: str | None) -> jwt.PyJWK:
    entries = _entries(path)
    chosen = [entry for entry in entries if kid in (None, entry.get("kid"))]
    if not chosen:
        raise click.ClickException(f"{path} has no key {kid!r}")
    key = jwt.PyJWK.from_dict(chosen[-1])
    if key.key_type == "OKP" and "d" not in chosen[-1]:
        raise click.ClickException(f"key {key.key_id!r} is a public one: sign with the private key")
    return key


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text())["keys"]
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{path} is no JSON Web Key Set: {error!r}") from error
    return entries


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise click.UsageError(f"--expires-in {text}: a number with s, m, h or d, such as 12h")
    return timedelta(seconds=int(match[1]) * UNITS_S[match[2]])
