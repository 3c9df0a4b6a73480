"""Spans for OpenTelemetry (YISHE_TRACING=1, extra `tracing`): a request by the name of its address, each commit of a verb by its
tables, each statement by its text, in which values are placeholders. Never a value, never an address with an id in it.

Imported only where it is wanted: without the setting there is not even a branch in anybody's way.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import entry_points
from typing import Any

from django.db import connection
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from yishe.trust.commit import Bundle

EXPORTERS = "opentelemetry_traces_exporter"


def _begin() -> None:
    """Where spans go, unless somebody said so already (opentelemetry-instrument), and what writes them."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        name = os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
        found = list(entry_points(group=EXPORTERS, name=name))
        if not found:
            sys.exit(
                f"YISHE_TRACING=1，但没有安装导出器 {name}：请安装 opentelemetry-exporter-{name}，或用 OTEL_TRACES_EXPORTER 另选一个。"
            )
        provider = TracerProvider(resource=Resource.create({"service.name": "yishe"}))
        provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
        trace.set_tracer_provider(provider)
    setattr(Bundle, "commit", _spanned(Bundle.commit))  # noqa: B010


def _tracer() -> trace.Tracer:
    return trace.get_tracer("yishe")


def _spanned(commit: Callable[[Bundle], None]) -> Callable[[Bundle], None]:
    @wraps(commit)
    def committed(bundle: Bundle) -> None:
        with _tracer().start_as_current_span("commit") as span:
            span.set_attribute("yishe.tables", sorted(bundle.tables()))
            commit(bundle)

    return committed


def _statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    with _tracer().start_as_current_span("statement", kind=trace.SpanKind.CLIENT) as span:
        span.set_attributes(
            {"db.system": connection.vendor, "db.statement": sql if isinstance(sql, str) else "composed"}
        )
        return execute(sql, params, many, context)


@contextmanager
def span(name: str, told: dict[str, Any]) -> Iterator[None]:
    """Around one request; `told` is filled while it is answered."""
    with (
        _tracer().start_as_current_span(name, kind=trace.SpanKind.SERVER) as one,
        connection.execute_wrapper(_statement),
    ):
        yield
        one.set_attributes(
            {
                "http.request.method": told["method"],
                "http.route": told["view"],
                "http.response.status_code": told["status"],
                "yishe.request": told["request"],
            }
        )


_begin()
