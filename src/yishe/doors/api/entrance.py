"""The API's own way in, ahead of sessions, CSRF and messages, which bearer tokens need none of.

What cannot be a request of the API is answered here: unknown paths, wrong methods, wrong media, too much.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver

from yishe.doors import methods
from yishe.doors.api.problems import of_fault, problem

PREFIX = "/api/"
URLS = "yishe.doors.api.urls"
LARGEST = 1024 * 1024
DRAINED = 256 * 1024 * 1024


class ApiEntrance:
    """Middleware that answers every path under /api/ itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not f"{request.path_info}/".startswith(PREFIX):
            return self.get_response(request)
        return _refused_unread(request) or _answer(request)


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        found = get_resolver(URLS).resolve(request.path_info)
    except Resolver404:
        return problem(404, "no_such_address")
    if found.url_name == "api-root":
        return problem(404, "no_such_address")
    if found.url_name == "openapi-json" and request.method != "GET":
        return _wrong_method(request, HttpResponseNotAllowed(["GET"]))
    request.resolver_match = found
    try:
        answer: HttpResponse = found.func(request, *found.args, **found.kwargs)
    except Exception as fault:
        return of_fault(fault)
    if answer.status_code == 405:
        return _wrong_method(request, answer)
    return answer


def _wrong_method(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    allow = answer.get("Allow", "")
    if request.method == "OPTIONS":
        return methods.allowing([one.strip() for one in allow.split(",")])
    said = problem(405, "method_not_allowed", f"这个地址只接受 {allow}。" if allow else "")
    said["Allow"] = allow
    return said


def _refused_unread(request: HttpRequest) -> HttpResponse | None:
    """413 and 415 are decided by the headers alone; a refused body is read off, never kept or parsed. A null
    character in the query is refused here: no database takes one."""
    if "%00" in request.META.get("QUERY_STRING", ""):
        return problem(422, "null_character", "查询里有空字符，请去掉后重发。")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        return problem(400, "bad_request")
    if int(length) > LARGEST:
        drain(request, int(length))
        return problem(413, "too_large")
    media = request.META.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if int(length) and request.method in ("POST", "PUT", "PATCH") and media != "application/json":
        return problem(415, "unsupported_media_type")
    return None


def drain(request: HttpRequest, size: int) -> None:
    """Read a refused body off the wire, so that its sender hears the answer instead of a broken pipe."""
    stream, size = request.META.get("wsgi.input"), min(size, DRAINED)
    while stream is not None and size > 0:
        chunk = stream.read(min(size, 256 * 1024))
        if not chunk:
            return
        size -= len(chunk)
