"""Names and numbers typed to find somebody never stand in an address: addresses lie in histories and in proxies' logs.

A form that asks for them is posted and leads on to an address with the words sealed (`s`), which opens for the person who
typed them and nobody else; so Back, reload and the pager work as with any address.
"""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from yishe.doors.web.page import Here
from yishe.policy.refusals import Invalid
from yishe.trust import ciphers, keys

USE = "words"
LONGEST = 100
PLAIN, SEALED = "q", "s"
NOT_KEPT = (PLAIN, SEALED, "csrfmiddlewaretoken", "cursor")


def apart(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """For a view that is given words to look for: `of(request)` says them, however they came."""

    @wraps(view)
    def opened(request: HttpRequest, here: Here, **path: Any) -> HttpResponseBase:
        if request.method != "POST":
            sealed = request.GET.get(SEALED)
            request.words = _open(here.actor.staff_id, sealed) if sealed else request.GET.get(PLAIN, "")  # type: ignore[attr-defined]
        elif getattr(request, "htmx", False):
            request.words = request.POST.get(PLAIN, "")  # type: ignore[attr-defined]
        elif request.GET:
            raise Invalid("not_a_search", "查找要在页面上的搜索框里输入：请重新查找。")
        else:
            query = _query(request, here)
            return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)
        return view(request, here, **path)

    return opened


def of(request: HttpRequest) -> str:
    """What was typed."""
    return str(request.words)[:LONGEST].strip()  # type: ignore[attr-defined]


def _query(request: HttpRequest, here: Here) -> str:
    kept = {name: value for name, value in request.POST.items() if name not in NOT_KEPT and value}
    typed = request.POST.get(PLAIN, "").strip()[:LONGEST]
    return urlencode({**kept, SEALED: _seal(here.actor.staff_id, typed)} if typed else kept)


def _seal(person: UUID, typed: str) -> str:
    blob = ciphers.lock(keys.house_key(USE), typed.encode(), b"words:" + person.bytes)
    return base64.urlsafe_b64encode(blob).decode().rstrip("=")


def _open(person: UUID, sealed: str) -> str:
    try:
        blob = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return ciphers.unlock(keys.house_key(USE), blob, b"words:" + person.bytes).decode()
    except (InvalidTag, ValueError, binascii.Error):
        raise Invalid("not_your_search", "这个查找链接不完整，或是别人的：请重新查找。") from None
