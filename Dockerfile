# The server, without torch:
#
#   docker build -t facegauge-server .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       --memory 1g --pids-limit 512 -p 50051:50051 -v /etc/facegauge:/etc/facegauge:ro facegauge-server \
#       --listen 0.0.0.0:50051 --tls-cert /etc/facegauge/cert.pem --tls-key /etc/facegauge/key.pem
#
# By default it listens inside the container alone: a port beyond loopback wants TLS, or `--insecure` where
# something in front encrypts, and that is the operator's word to say (deploy/compose.yaml says it).
#
# The base is pinned by its exact version. A digest would pin Debian's packages too, but also keep their security
# fixes out until somebody changes it, and it can only be written down where the image's registry can be asked:
#   docker buildx imagetools inspect python:3.11.18-slim-bookworm
# Every Python package is pinned by version and hash (deploy/pin.sh).
FROM python:3.11.18-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY deploy/requirements.txt deploy/requirements-build.txt deploy/
RUN python -m venv /opt/build && python -m venv /opt/facegauge \
    && /opt/build/bin/pip install --require-hashes --no-deps -r deploy/requirements-build.txt \
    && /opt/facegauge/bin/pip install --require-hashes --no-deps --only-binary :all: -r deploy/requirements.txt
COPY proto proto
COPY server server
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --no-index --wheel-dir /wheels ./proto ./server \
    && /opt/facegauge/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/facegauge/bin/python -c 'import facegauge_server.app' \
    && /opt/facegauge/bin/pip uninstall --yes pip setuptools

FROM python:3.11.18-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin facegauge
COPY --from=build /opt/facegauge /opt/facegauge
# The root file system may be read-only: nothing is written but to /tmp, and not even that is needed.
ENV PATH=/opt/facegauge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FACEGAUGE_LOG_FORMAT=json
USER 10001
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
# Liveness: an orchestrator asks /readyz before it sends calls. The port is that of --metrics-listen.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9464/livez', timeout=3)"]
ENTRYPOINT ["facegauge-server"]
