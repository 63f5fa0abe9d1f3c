#!/usr/bin/env bash
# Regenerate the Python code of the interface:  uv run --group dev proto/generate.sh
set -euo pipefail
cd "$(dirname "$0")"
python -m grpc_tools.protoc --proto_path=. --python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet:. \
    facegauge/v1/quality.proto
python -m grpc_tools.protoc --proto_path=. --python_out=. --mypy_out=quiet:. facegauge/internal/v1/checkpoint.proto
