"""HEAD and OPTIONS, answered alike everywhere: HEAD as GET without its body, OPTIONS with what an address takes."""

import inspect
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

ALSO = ("HEAD", "OPTIONS")


class Methods:
    """Middleware. What is served from files answers HEAD itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS" and not request.path_info.startswith("/api/"):
            return _options(request) or self.get_response(request)
        if request.method != "HEAD" or request.path_info.startswith(settings.STATIC_URL):
            return self.get_response(request)
        request.method = "GET"
        answer = self.get_response(request)
        if isinstance(answer, HttpResponse):
            answer.headers["Content-Length"] = str(len(answer.content))
            answer.content = b""
        return answer


def allowing(methods: list[str]) -> HttpResponse:
    """The answer to OPTIONS. HEAD goes with GET."""
    also = ALSO if "GET" in methods else ALSO[1:]
    return HttpResponse(status=204, headers={"Allow": ", ".join(dict.fromkeys([*sorted(methods), *also]))})


def _options(request: HttpRequest) -> HttpResponse | None:
    try:
        return allowing(_taken(resolve(request.path_info).func))
    except Resolver404:
        return None


def _taken(view: Callable[..., object] | None) -> list[str]:
    """The methods that one of Django's decorators around the view lets through; a page without one shows and takes its form."""
    while inspect.isfunction(view):
        kept = inspect.getclosurevars(view).nonlocals
        if "request_method_list" in kept:
            return list(kept["request_method_list"])
        view = getattr(view, "__wrapped__", None)
    return ["GET", "POST"]
