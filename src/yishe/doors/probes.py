"""Whether this process lives, and whether it should be given work: asked by load balancers and supervisors, who are nobody.

Answered before anything looks at who calls; the answer says nothing about anybody.
"""

from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from yishe.doors import draining

ALIVE, READY = "/healthz", "/readyz"
ASKED_BY = ("GET", "HEAD")


class Probes:
    """Stands right behind the edge."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in (ALIVE, READY):
            return self.get_response(request)
        if request.method not in ASKED_BY:
            return HttpResponseNotAllowed(ASKED_BY)
        if request.path_info == ALIVE:
            return _said(200, "ok")
        if draining.begun():
            return _said(503, "ending")
        return _said(200, "ok") if reaches_database() else _said(503, "database")


def reaches_database() -> bool:
    """Whether a page could be answered now. Migrations, guards, key and packs were looked at when the process began."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM trust_instance")
            return bool(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError):
        connection.close()
        return False


def _said(status: int, words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
