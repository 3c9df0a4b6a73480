"""Where every request comes from, said once at the door: which door, from which address, on what, under which number."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from yishe.trust import ids, origin

BROWSERS = (
    ("微信", re.compile(r"MicroMessenger/(\d+)")),
    ("Edge", re.compile(r"Edg(?:A|iOS)?/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+).*Safari/")),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPad", "iPad"),
    ("iPhone", "iPhone"),
    ("Windows", "Windows"),
    ("Mac", "Mac OS X"),
    ("Linux", "Linux"),
)


class WhereFrom:
    """Middleware: everything the request does is known to come from here. The answer carries the request's number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        here = coming(request.path_info, request.META)
        with origin.coming_from(here):
            answer = self.get_response(request)
        answer.headers.setdefault("X-Request-Id", str(here.request))
        return answer


def coming(path: str, meta: Mapping[str, Any]) -> origin.Origin:
    door = "api" if path.startswith("/api/") else "web"
    address = meta.get("REMOTE_ADDR", "")[:45]
    return origin.Origin(door, address, device(meta.get("HTTP_USER_AGENT", "")[:400]), ids.new())


@lru_cache(maxsize=512)
def device(agent: str) -> str:
    """`Chrome 120 · Windows`; programs by the first word they call themselves."""
    named = next((f"{name} {found[1]}" for name, how in BROWSERS if (found := how.search(agent))), "")
    system = next((name for name, sign in SYSTEMS if sign in agent), "")
    told = " · ".join(filter(None, (named, system)))
    return (told or agent.split(" ", maxsplit=1)[0])[:40]
