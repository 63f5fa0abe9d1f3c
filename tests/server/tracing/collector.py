"""A collector of traces: OTLP's own service over a real gRPC connection, which keeps what it gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from facegauge_server.tracing.settings import Tracing

LONG_S = 60.0


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps spans, and lets none through while it is closed."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.metadata: dict[str, str] = {}
        self.resource: dict[str, str] = {}
        self.url = ""
        self._arrived = threading.Condition()
        self._spans: list[Span] = []

    def Export(  # noqa: N802 - gRPC's name
        self, request: pb.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> pb.ExportTraceServiceResponse:
        self.open.wait(LONG_S)
        self.metadata = {name: str(value) for name, value in context.invocation_metadata()}
        with self._arrived:
            for of_resource in request.resource_spans:
                self.resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                for of_scope in of_resource.scope_spans:
                    self._spans += of_scope.spans
            self._arrived.notify_all()
        return pb.ExportTraceServiceResponse()

    def spans(self, count: int) -> list[Span]:
        """Wait until so many have come, and return all."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._spans) >= count, LONG_S), len(self._spans)
            return list(self._spans)

    def settings(self, ratio: float = 1.0, queue: int = 4096) -> Tracing:
        """Settings of a server that sends its traces here."""
        return Tracing(otlp_endpoint=self.url, trace_ratio=ratio, trace_queue=queue)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on loopback."""
    server = grpc.server(ThreadPoolExecutor(2))
    collector = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        collector.open.set()
        server.stop(0).wait()


def attributes(span: Span) -> dict[str, object]:
    """Attributes of a span by name."""
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}
