# The server, without torch.   docker build -t facegauge-server .
#
#   docker run --rm -p 50051:50051 -p 9464:9464 facegauge-server
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir "uv>=0.13,<0.14"
WORKDIR /src
COPY pyproject.toml ./
COPY proto proto
COPY client client
COPY server server
ENV UV_PROJECT_ENVIRONMENT=/opt/facegauge UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN uv sync --no-default-groups --no-editable --package facegauge-server

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home facegauge
COPY --from=build /opt/facegauge /opt/facegauge
ENV PATH=/opt/facegauge/bin:$PATH PYTHONUNBUFFERED=1 FACEGAUGE_LOG_FORMAT=json
USER facegauge
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
# A container's port is reached from outside it: put TLS in front, or add --tls-cert and --tls-key.
ENTRYPOINT ["facegauge-server"]
CMD ["--listen", "0.0.0.0:50051", "--metrics-listen", "0.0.0.0:9464", "--insecure"]
