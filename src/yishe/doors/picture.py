"""One picture of staff and rosters for one request."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from yishe.people import directory


class OnePicture:
    """Middleware: the directory's version is read once a request, and everyone in it is decided on the same picture."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with directory.one_picture():
            return self.get_response(request)
