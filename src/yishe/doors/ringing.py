"""Whoever wrote something through a door rings the outbox's bell, so that open screens elsewhere look at once."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from yishe.talk import bell

WENT_WELL = 400


class Ringing:
    """Middleware: after a POST that went well. A ring too many is only a look."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        if request.method == "POST" and answer.status_code < WENT_WELL:
            bell.ring()
        return answer
