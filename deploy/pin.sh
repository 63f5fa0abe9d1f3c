#!/usr/bin/env bash
# Writes the image's pins, exact versions with hashes and no host:
#
#   deploy/pin.sh           after a change of dependencies or of `exclude-newer` in pyproject.toml
#   deploy/pin.sh --check   fails where the committed versions are not those that uv resolves to
#
# uv.lock would pin as well, but names the registry's host with every file, and each site has its own.
set -euo pipefail
cd "$(dirname "$0")/.."

export_to() { # export_to FILE FLAGS...
    local file=$1
    shift
    {
        echo "# Written by deploy/pin.sh: do not edit."
        uv export --quiet --no-header --no-annotate --no-emit-workspace "$@"
    } >"$file"
}

folder=deploy
if [ "${1-}" = --check ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
export_to "$folder/requirements.txt" --no-default-groups --package facegauge-server --extra tracing
export_to "$folder/requirements-gateway.txt" --no-default-groups --package facegauge-gateway
export_to "$folder/requirements-build.txt" --only-group image-build
if [ "${1-}" = --check ]; then
    # The versions alone: a registry may learn of more files of a version, and so of more hashes.
    for name in requirements.txt requirements-gateway.txt requirements-build.txt; do
        diff <(grep -o '^[^ ]*==[^ ]*' "deploy/$name") <(grep -o '^[^ ]*==[^ ]*' "$folder/$name") || {
            echo "deploy/$name does not pin what pyproject.toml resolves to: run deploy/pin.sh" >&2
            exit 1
        }
    done
fi
