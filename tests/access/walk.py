"""Every address there is: what Django's resolver knows, what the API describes, and the live channel."""

from collections.abc import Iterator

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from yishe.doors.api.v1 import api

LIVE = "live/"
INNER = ("api-root",)
"""Names of addresses that exist only to be refused; the entrance of the API answers them with 404."""


def addresses() -> set[str]:
    """The routes of all pages and of the API's own description."""
    return {route for route, name in _walked(get_resolver(), "") if name not in INNER} | {LIVE}


def operations() -> set[tuple[str, str]]:
    """(method, route) of every operation of the API, as its description says."""
    return {
        (method.upper(), path.lstrip("/"))
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }


def bare(path: str) -> str:
    """A path without what is asked of it."""
    return path.split("?", maxsplit=1)[0]


def route(path: str) -> str | None:
    """The route that answers a concrete path; None when none does."""
    if bare(path) == f"/{LIVE}":
        return LIVE
    try:
        return resolve(bare(path)).route
    except Resolver404:
        return None


def _walked(resolver: URLResolver, before: str) -> Iterator[tuple[str, str]]:
    for one in resolver.url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield here, one.name or ""
        else:
            yield from _walked(one, here)
