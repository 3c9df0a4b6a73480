"""What every request begins with: one picture of staff and rosters, and a database connection that answers."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from yishe.doors import away
from yishe.people import directory
from yishe.trust import columns

RESTED_SECONDS = 5.0
"""A connection unused for so long may have been cut (restarts, firewalls) and is tried before it is trusted."""

_used = threading.local()


class OnePicture:
    """Middleware: the directory's version is read once a request, and everyone in it is decided on the same picture."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with one_picture():
            return self.get_response(request)


@contextmanager
def one_picture() -> Iterator[None]:
    """What a request is answered in."""
    away.let_go_of_a_dead_line()
    _try_if_rested()
    with directory.one_picture():
        yield
    _used.at = time.monotonic()


def _try_if_rested() -> None:
    if time.monotonic() - getattr(_used, "at", 0.0) <= RESTED_SECONDS:
        return
    here = columns.here()
    if here.connection is not None and not here.in_atomic_block and not here.is_usable():
        here.close()
