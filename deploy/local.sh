#!/usr/bin/env bash
# The stack of compose.yaml without containers, from Debian's prometheus and prometheus-alertmanager:
#
#   deploy/local.sh                    until Ctrl-C; data live in a temporary folder and are gone after
#   deploy/local.sh --max-streams 50   flags go to facegauge-server
#
# Environment: GRPC_PORT (50051), METRICS_PORT (9464), PROMETHEUS_PORT (9090) and
# ALERTMANAGER_PORT (9093), where 0 takes any free port; GATEWAY (127.0.0.1:9465), where a gateway that you start
# beside it has its --http-listen; PROMETHEUS_RULES (a folder), PROMETHEUS_CONFIG and
# ALERTMANAGER_CONFIG (files) in place of this repository's. Once all three answer, one line of JSON on stdout
# says where they are. Grafana is no Debian package: point one at the Prometheus, see dashboards/README.md.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

server=$root/.venv/bin/facegauge-server
[ -x "$server" ] || server=facegauge-server
for program in "$server" prometheus prometheus-alertmanager python3; do
    command -v "$program" >/dev/null || {
        echo "deploy/local.sh needs $program: uv sync; apt-get install prometheus prometheus-alertmanager" >&2
        exit 1
    }
done

port() { # the given port, or any free one for 0
    [ "$1" != 0 ] || set -- "$(python3 -c 'import socket as s; t = s.create_server(("127.0.0.1", 0)); print(t.getsockname()[1])')"
    echo "$1"
}
grpc=127.0.0.1:$(port "${GRPC_PORT:-50051}")
metrics=127.0.0.1:$(port "${METRICS_PORT:-9464}")
prometheus=127.0.0.1:$(port "${PROMETHEUS_PORT:-9090}")
alertmanager=127.0.0.1:$(port "${ALERTMANAGER_PORT:-9093}")

data=$(mktemp -d)
pids=()
stop() {
    trap - EXIT INT TERM
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
    rm -rf "$data"
}
trap stop EXIT
trap 'exit 0' INT TERM

mkdir "$data/assets"
cp -R "$root/dashboards/runbook.md" "$root/dashboards/causes" "$data/assets/"
sed -e "s|server:9464|$metrics|" -e "s|alertmanager:9093|$alertmanager|" \
    -e "s|gateway:9465|${GATEWAY:-127.0.0.1:9465}|" \
    -e "s|/etc/prometheus/rules|${PROMETHEUS_RULES:-$root/dashboards/rules}|" \
    "${PROMETHEUS_CONFIG:-$root/deploy/prometheus.yml}" >"$data/prometheus.yml"

"$server" --listen "$grpc" --metrics-listen "$metrics" --idle-timeout 60 "$@" >"$data/server.out" &
pids+=($!)
prometheus --config.file="$data/prometheus.yml" --storage.tsdb.path="$data/prometheus" --log.level=warn \
    --web.listen-address="$prometheus" --web.external-url="http://$prometheus" \
    --web.user-assets="$data/assets" &
pids+=($!)
prometheus-alertmanager --config.file="${ALERTMANAGER_CONFIG:-$root/deploy/alertmanager.yml}" \
    --storage.path="$data/alertmanager" --log.level=warn --cluster.listen-address= \
    --web.listen-address="$alertmanager" --web.external-url="http://$alertmanager" &
pids+=($!)

answers() { python3 -c "import urllib.request as u; u.urlopen('http://$1', timeout=2)" 2>/dev/null; }
for url in "$metrics/metrics" "$prometheus/-/ready" "$alertmanager/-/ready"; do
    for ((tries = 0; tries < 120; tries++)); do
        answers "$url" && continue 2
        for pid in "${pids[@]}"; do
            kill -0 "$pid" 2>/dev/null || { echo "one of the programs ended: see above" >&2 && exit 1; }
        done
        sleep 0.25 # none of them has another way to tell
    done
    echo "http://$url never answered" >&2
    exit 1
done
printf '{"server": "%s", "metrics": "http://%s/metrics", "prometheus": "http://%s", "alertmanager": "http://%s", "pids": {"server": %d, "prometheus": %d, "alertmanager": %d}}\n' \
    "$grpc" "$metrics" "$prometheus" "$alertmanager" "${pids[@]}"

# The server's end is the stack's end; it does not need the other two.
wait "${pids[0]}"
