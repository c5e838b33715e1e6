"""OpenTelemetry, off unless OTEL_EXPORTER_OTLP_ENDPOINT says where spans go (the extra `otel` brings what that needs).

The API's spans are FastAPI's own; here are those of runs, in the trace of the request that asked for them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from assetmix.errors import Misconfigured

_FORMAT = TraceContextTextMapPropagator()
PROTOCOL = "http/protobuf"


def is_on() -> bool:
    """Whether the environment asks for spans."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")) and os.environ.get("OTEL_SDK_DISABLED", "") != "true"


def set_up(service: str) -> None:
    """Send the spans of this process where the environment says; nothing where it says nothing.

    Raises
    ------
    Misconfigured
        when the packages for it are not installed
    """
    if not is_on():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - of the same extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - of the same extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - of the same extra
    except ImportError as error:
        message = "OTEL_EXPORTER_OTLP_ENDPOINT is set: install assetmix[otel], or unset it"
        raise Misconfigured(message) from error
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", service)}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, traceparent: str | None, **attributes: str | int) -> Iterator[None]:
    """Run the block in a span of the trace that it belongs to."""
    context = _FORMAT.extract({} if traceparent is None else {"traceparent": traceparent})
    about = {f"assetmix.{key}": value for key, value in attributes.items()}
    with trace.get_tracer("assetmix").start_as_current_span(name, context=context, attributes=about):
        yield


def current() -> str | None:
    """Give the traceparent of the present span; None where there is none."""
    carrier: dict[str, str] = {}
    _FORMAT.inject(carrier)
    return carrier.get("traceparent")
