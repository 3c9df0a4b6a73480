"""What may come in before anybody is known to stand there: how much at once, and how often (doors/limits)."""

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from yishe.doors import limits
from yishe.doors.api.entrance import drain
from yishe.doors.api.problems import of_refusal
from yishe.doors.web import answers
from yishe.policy.refusals import TooMany

LARGEST = 2 * 1024 * 1024
"""Bytes of a form."""
LARGEST_UPLOAD = 33 * 1024 * 1024
GUESSED_AT = ("/sign-in", "/my/sign-in", "/switch/", "/q/")
"""Where passwords, codes and PINs are tried."""
UPLOADS = ("/import/upload",)
"""Where a file of up to 32 MB may come in; the API has its own limit (api/entrance)."""


class Doorstep:
    """Middleware. Those who bring a session or a token are not held up by a bad neighbour behind the same address,
    unless what they bring is no good."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            known = _brings_something(request)
            if request.method == "POST" and request.path_info.startswith(GUESSED_AT):
                _take("sign_in", request)
            elif not known and not request.path_info.startswith(settings.STATIC_URL):
                _take("anonymous", request)
            answer = _refused_unread(request) or self.get_response(request)
            if answer.status_code == 401 and known:
                _take("anonymous", request)
            return answer
        except TooMany as refused:
            if request.path_info.startswith("/api"):
                return of_refusal(refused)
            return answers.answer(request, refused)


def _refused_unread(request: HttpRequest) -> HttpResponseBase | None:
    """413 for a page's form that says it is too large; read off the wire, never kept."""
    if request.path_info.startswith("/api"):
        return None
    told, most = request.META.get("CONTENT_LENGTH") or "0", LARGEST
    if request.path_info in UPLOADS:
        most = LARGEST_UPLOAD
    if told.isdigit() and int(told) <= most:
        return None
    drain(request, int(told) if told.isdigit() else 0)
    return answers.page(request, 413)


def _brings_something(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES or "HTTP_AUTHORIZATION" in request.META


def _take(kind: str, request: HttpRequest) -> None:
    """By the machine's own clock: this stands before the database, which may be away."""
    limits.take(kind, neighbourhood(request.META.get("REMOTE_ADDR", "")), datetime.now(UTC))


def neighbourhood(address: str) -> str:
    """What one household or office has of the net: an IPv4 address, or the 64 bits that an IPv6 provider gives out."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network(f"{found}/64", strict=False))
