"""What an operator is told of each request, where he wants it: counts (YISHE_METRICS_DIR), a line of the log (YISHE_LOG_REQUESTS),
spans (YISHE_TRACING). By the form of the address and never by the address, which may hold an id, nor by the query, which may
hold a name; under the number that the request's access lines carry.

It stands around everything a server asks, the short way too. Where nothing is wanted it is not there at all.
"""

import importlib
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.urls import Resolver404, get_resolver

from yishe.doors import counting
from yishe.doors.api.entrance import PREFIX, URLS
from yishe.doors.probes import ALIVE, READY

log = logging.getLogger("yishe.requests")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Told = dict[str, Any]
Span = Callable[[str, Told], AbstractContextManager[Any]]


def watched(application: Wsgi) -> Wsgi:
    """The application with whatever the settings ask for around it."""
    if not (counting.ON or settings.LOG_REQUESTS or settings.TRACING):
        return application
    span = importlib.import_module("yishe.doors.tracing").span if settings.TRACING else None
    return Watched(application, count=counting.ON, tell=settings.LOG_REQUESTS, span=span)


class Watched:
    """A WSGI application around another one."""

    def __init__(self, application: Wsgi, *, count: bool, tell: bool, span: Span | None) -> None:
        self.application, self.count, self.tell, self.span = application, count, tell, span
        if tell:
            log.setLevel(logging.INFO)

    def __call__(self, meta: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if meta["PATH_INFO"] in (ALIVE, READY):
            return self.application(meta, start)
        method = meta["REQUEST_METHOD"] if meta["REQUEST_METHOD"] in counting.METHODS else "other"
        told: Told = {"view": view_of(meta["PATH_INFO"]), "method": method}
        began = time.perf_counter()

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told["status"] = int(status[:3])
            told["request"] = next((value for name, value in headers if name.lower() == "x-request-id"), "")
            return start(status, headers, *more)

        with self.span(f"{method} {told['view']}", told) if self.span else nullcontext():
            answer = self.application(meta, started)
        self._say(told, time.perf_counter() - began)
        return answer

    def _say(self, told: Told, seconds: float) -> None:
        if self.count:
            counting.request("web", told["view"], told["method"], told["status"], seconds)
        if self.tell:
            log.info("request", extra={"told": {**told, "ms": round(seconds * 1000)}})


def view_of(path: str) -> str:
    """The address as it is written in the list of addresses, without what stands in it; what is none of ours is one."""
    try:
        found = get_resolver(URLS if path.startswith(PREFIX) else None).resolve(_text(path))
    except Resolver404:
        return "none"
    return str(found.route) or "/"


def _text(path: str) -> str:
    """As PEP 3333 carries it, back to what it was."""
    return path.encode("latin-1").decode("utf-8", "replace")
