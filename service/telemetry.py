"""OpenTelemetry, where it is asked for: a span for each request, search and call of the language model; never with what was asked or said.

Names follow the semantic conventions for HTTP and for generative AI (opentelemetry.io, status of the latter: development).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ingest.kb import DependencyError, Settings

__all__ = ["Facts", "Span", "begin", "set_up_tracing", "span"]

_tracer: Any = None
Facts = Mapping[str, str | int | float | bool]


class Span:
    """A span that is being made, or none where tracing is off."""

    def __init__(self, inner: Any = None, facts: Facts | None = None) -> None:
        self._inner = inner
        self.note(facts or {})

    def note(self, facts: Facts, *, name: str = "") -> None:
        """Set attributes, and a better name."""
        if self._inner is not None:
            self._inner.set_attributes(dict(facts))
            if name:
                self._inner.update_name(name)

    def end(self) -> None:
        """Close a span of ``begin``."""
        if self._inner is not None:
            self._inner.end()


def set_up_tracing(settings: Settings, exporter: Any = None) -> None:
    """Send spans to the collector that ``service.otel_endpoint`` names; do nothing if it names none.

    Args:
        settings: Of the service.
        exporter: Takes the place of the one that sends to the collector.

    Raises:
        DependencyError: The extra ``otel`` is not installed.
    """
    global _tracer
    endpoint = settings.service.otel_endpoint
    if not endpoint and exporter is None:
        _tracer = None
        return
    try:
        resources = import_module("opentelemetry.sdk.resources")
        trace = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        otlp = import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    except ImportError as error:
        raise DependencyError(
            "service.otel_endpoint is set and OpenTelemetry is not installed", hint="Install the extra `otel`."
        ) from error
    provider = trace.TracerProvider(resource=resources.Resource.create({"service.name": "wenju"}))
    if exporter is not None:
        provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    else:
        insecure = not endpoint.startswith("https://")
        provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=endpoint, insecure=insecure)))
    _tracer = provider.get_tracer("wenju")


def begin(name: str, facts: Facts | None = None) -> Span:
    """Return a span to be ended by hand: for generators, which may be closed in another context than they were opened in."""
    return Span(_tracer.start_span(name), facts) if _tracer is not None else Span()


@contextmanager
def span(name: str, facts: Facts | None = None) -> Iterator[Span]:
    """Make a span around what is done inside; costs nothing where tracing is off."""
    if _tracer is None:
        yield Span()
        return
    with _tracer.start_as_current_span(name, record_exception=False) as inner:
        yield Span(inner, facts)
